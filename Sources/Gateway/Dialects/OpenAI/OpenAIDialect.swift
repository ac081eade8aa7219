package import HTTP
import HTTPTypes
import JSON
import Policy
import Values

/// Refusals as OpenAI's client libraries expect them: `{"error": {"message", "type", "param", "code"}}`.
///
/// The library turns the status into an error class and shows the message; programs switch on `code`. Where OpenAI has
/// a code of its own it is used; the product's stable code is always in `X-Latchkey-Code`.
package struct OpenAIDialect: ErrorDialect {
    package init() {}

    package func answer(_ problem: Problem) -> Answer {
        var headers = problem.headers
        headers[.latchkeyCode] = problem.code
        headers[.cacheControl] = "no-store"
        var status = problem.status
        if Self.openAICodes[problem.code] == Self.noQuota {
            // A status that OpenAI's clients know, and without the second attempt that they make at it: it would fail
            // too.
            status = .tooManyRequests
            headers[.shouldRetry] = "false"
        }
        headers[.contentType] = "application/json"
        return Answer(status: status, headers: headers, body: ["error": Self.error(problem)])
    }

    static func error(_ problem: Problem) -> JSON {
        [
            "message": .string(problem.detail),
            "type": .string(type(of: problem)),
            "param": JSON(problem.fields.first?.field),
            "code": .string(openAICodes[problem.code] ?? problem.code),
        ]
    }

    private static func type(of problem: Problem) -> String {
        if openAICodes[problem.code] == noQuota { return noQuota }
        return problem.status.kind == .serverError ? "server_error" : "invalid_request_error"
    }

    private static let noQuota = "insufficient_quota"

    /// Their one code for a key that doesn't work, their one for credits that are used up, and what programs look for
    /// of what a provider refused.
    private static let openAICodes = [
        Denial.missingKey.rawValue: "invalid_api_key", Denial.invalidKey.rawValue: "invalid_api_key",
        Denial.keyExpired.rawValue: "invalid_api_key", Denial.keyDisabled.rawValue: "invalid_api_key",
        Denial.monthlyLimitReached.rawValue: noQuota, Denial.creditLimitReached.rawValue: noQuota,
        Denial.insufficientCredits.rawValue: noQuota,
        "upstream_rate_limited": "rate_limit_exceeded", "content_refused": "content_filter",
    ]
}

extension HTTPField.Name {
    static let latchkeyCode = HTTPField.Name("X-Latchkey-Code")!
}
