import HTTPTypes
package import Hummingbird
import NIOCore

/// How a refusal is put on the wire. Management speaks RFC 9457; each data-plane dialect speaks as its clients expect.
package protocol ErrorDialect: Sendable {
    func answer(_ problem: Problem) -> Response
    /// Whether pages of other origins may read the answers (CORS).
    ///
    /// Only where nothing is decided by what a browser sends by itself: a page that can show the key may see what the
    /// key gets, and no cookie counts there.
    var isOpenToPages: Bool { get }
}

/// `application/problem+json` (RFC 9457).
package struct ProblemDialect: ErrorDialect {
    package init() {}

    package var isOpenToPages: Bool { false }

    package func answer(_ problem: Problem) -> Response {
        var body: JSONObject = [
            "type": .string("urn:latchkey:problem:" + problem.code),
            "title": .string(problem.status.reasonPhrase),
            "status": .number(JSONNumber(Int64(problem.status.code))),
            "detail": .string(problem.detail),
            "code": .string(problem.code),
        ]
        if !problem.fields.isEmpty {
            body["errors"] = .array(problem.fields.map { ["field": .string($0.field), "rule": .string($0.rule)] })
        }
        var headers = problem.headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return Response(
            status: problem.status, headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: JSON.object(body).encoded())))
    }
}
