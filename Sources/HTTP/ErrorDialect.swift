package import HTTPTypes
package import JSON
import Values

/// A refusal in the words of one dialect, ready to be written. Every dialect says it in JSON.
package struct Answer: Sendable {
    package var status: HTTPResponse.Status
    package var headers: HTTPFields
    package var body: JSON

    package init(status: HTTPResponse.Status, headers: HTTPFields, body: JSON) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// How a refusal is put on the wire. Management speaks RFC 9457; each data-plane dialect speaks as its clients expect.
package protocol ErrorDialect: Sendable {
    func answer(_ problem: Problem) -> Answer
}

/// `application/problem+json` (RFC 9457).
package struct ProblemDialect: ErrorDialect {
    package init() {}

    package func answer(_ problem: Problem) -> Answer {
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
        return Answer(status: problem.status, headers: headers, body: .object(body))
    }
}
