package import HTTP
import HTTPTypes
package import Hummingbird
package import JSON
package import NIOCore
import Values

extension Request {
    /// Reads the body as one JSON object of at most `limit` bytes.
    package func jsonObject(limit: Int) async throws -> JSONObject {
        let bytes = try await jsonBody(limit: limit)
        do {
            let json = try JSON.parse(bytes.readableBytesView)
            guard let object = json.object else {
                throw Problem(.badRequest, "malformed_json", "The body must be a JSON object, but is \(json.kind).")
            }
            return object
        } catch let error as JSONError {
            throw Problem.malformedJSON(error)
        }
    }

    /// Reads the body of at most `limit` bytes, which says that it is JSON.
    /// - Parameter setting: the name of the setting that the limit comes from, if there is one.
    package func jsonBody(limit: Int, setBy setting: String? = nil) async throws -> ByteBuffer {
        guard let type = headers[.contentType], JSONMediaType.matches(Text(type)) else {
            throw Problem.unsupportedMediaType
        }
        // An empty one is none.
        if let coding = headers[.contentEncoding].map({ Text($0).lowercased }), !coding.isEmpty, coding != "identity" {
            throw Problem.unsupportedContentEncoding
        }
        do {
            return try await bodyBytes(limit: limit)
        } catch is NIOTooManyBytesError {
            throw Problem.bodyTooLarge(limit: limit, setBy: setting)
        }
    }

    /// The whole body, refused before it is read when its declared length is too large.
    private func bodyBytes(limit: Int) async throws -> ByteBuffer {
        if let declared = headers[.contentLength].flatMap({ Int($0) }), declared > limit {
            throw NIOTooManyBytesError(maxBytes: limit)
        }
        return try await body.collect(upTo: limit)
    }
}

extension Response {
    package static func json(
        _ value: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        if headers[.contentType] == nil { headers[.contentType] = "application/json" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: value.encoded())))
    }
}

extension Response {
    package init(_ answer: Answer) {
        self = .json(answer.body, status: answer.status, headers: answer.headers)
    }
}
