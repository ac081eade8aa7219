import HTTP
import HTTPTypes
import JSON
import Wire

/// What the line itself refuses, below every route.
extension Problem {
    static func unreadable(_ error: FramingError) -> Problem {
        switch error.reason {
        case .headTooLarge:
            return Problem(.requestHeaderFieldsTooLarge, "request_header_fields_too_large", error.sentence)
        case .method: return .methodNotAllowed(["DELETE", "GET", "HEAD", "PATCH", "POST"])
        default:
            var problem = Problem(.badRequest, "malformed_request", error.sentence)
            problem.status = HTTPResponse.Status(code: error.status)
            return problem
        }
    }

    static let requestTimeout = Problem(
        .requestTimeout, "request_timeout", "The request came too slowly: a head has 75 seconds, a body 1 KiB a second."
    )

    /// More connections or bytes of one address, account or key than its share.
    static let shareTaken = Problem(
        .serviceUnavailable, "overloaded",
        "Your address, account or key has all that it may have of this server right now; try again in a moment."
    ).with(.retryAfter, "1")

    /// RFC 9457 members and OpenAI's `error` member in one object, for when nobody can know which one is read.
    var inBothShapes: JSONObject {
        [
            "type": .string("urn:latchkey:problem:" + code),
            "title": .string(status.reasonPhrase),
            "status": .number(JSONNumber(Int64(status.code))),
            "detail": .string(detail),
            "code": .string(code),
            "error": [
                "message": .string(detail), "type": "invalid_request_error", "param": nil, "code": .string(code),
            ],
        ]
    }
}
