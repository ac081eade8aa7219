import AsyncHTTPClient
import HTTP
import JSON
import NIOCore
import NIOHTTP1
import Values

/// Calls the demo's server as any client would.
struct DemoClient {
    let address: String

    struct Answer {
        let headers: [(name: String, value: String)]
        let body: JSONObject

        func text(_ name: String) -> String? { body[name]?.string?.string }

        func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

        func number(_ name: String) throws -> String {
            guard case .number(let number)? = body[name] else { throw DemoFailure("an answer had no \(name)") }
            return number.literal
        }

        func required(_ name: String) throws -> String {
            guard let text = text(name) else { throw DemoFailure("an answer had no \(name)") }
            return text
        }

        /// What a chat answer says: the content, or the error's message.
        var saying: String? {
            body["error"]?.object?["message"]?.string?.string
                ?? body["choices"]?.array?.first?.object?["message"]?.object?["content"]?.string?.string
        }
    }

    @discardableResult
    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSON? = nil, bearer: String? = nil,
        headers: [(String, String)] = [], expecting status: Int
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: address + path)
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.encoded()))
        }
        if let bearer { request.headers.add(name: "authorization", value: "Bearer " + bearer) }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        guard Int(response.status.code) == status else {
            throw DemoFailure(
                "\(method.rawValue) \(path) answered \(response.status.code) where \(status) was expected")
        }
        let json = bytes.readableBytes == 0 ? JSON.object([:]) : try JSON.parse(bytes.readableBytesView)
        return Answer(headers: response.headers.map { ($0.name, $0.value) }, body: json.object ?? [:])
    }
}
