import HTTPTypes
package import Hummingbird
import NIOCore
import Policy
package import Web

/// Refusals as OpenAI's client libraries expect them: `{"error": {"message", "type", "param", "code"}}`.
///
/// The library turns the status into an error class and shows the message; programs switch on `code`. Where OpenAI has a
/// code of its own it is used; the product's stable code is always in `X-Latchkey-Code`.
package struct OpenAIDialect: ErrorDialect {
    package init() {}

    package func answer(_ problem: Problem) -> Response {
        var headers = problem.headers
        headers[.latchkeyCode] = problem.code
        headers[.cacheControl] = "no-store"
        return .json(.object(["error": Self.error(problem)]), status: problem.status, headers: headers)
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

    /// Their one code for a key that doesn't work, and their one for credits that are used up.
    private static let openAICodes = [
        Denial.missingKey.rawValue: "invalid_api_key", Denial.invalidKey.rawValue: "invalid_api_key",
        Denial.keyExpired.rawValue: "invalid_api_key", Denial.monthlyLimitReached.rawValue: noQuota,
        Denial.creditLimitReached.rawValue: noQuota, Denial.insufficientCredits.rawValue: noQuota,
    ]
}

/// Design §6: each denial's status and public sentence. A presented key is never repeated (LiteLLM's error.param did).
extension Denial: PublicError {
    package var problem: Problem {
        switch self {
        case .missingKey:
            Problem(.unauthorized, rawValue, "No API key was given. Send it as: Authorization: Bearer <key>.")
                .with(.wwwAuthenticate, BearerCredential.challenge(presented: false))
        case .invalidKey:
            Problem(
                .unauthorized, rawValue, "Incorrect API key provided. Check the key, or create a new one for this app."
            )
            .with(.wwwAuthenticate, BearerCredential.challenge(presented: true))
        case .wrongApp:
            Problem(.forbidden, rawValue, "This key opens another application. Each key opens exactly one.")
        case .keyExpired:
            Problem(.unauthorized, rawValue, "This API key has expired. Create a new one for this app.")
                .with(.wwwAuthenticate, BearerCredential.challenge(presented: true))
        case .accountSuspended:
            Problem(.forbidden, rawValue, "The account of this key is suspended. Its owner can ask the operator why.")
        case .monthlyLimitReached:
            outOfCredits("This key has reached its limit for the month. It works again when the next UTC month begins.")
        case .creditLimitReached:
            outOfCredits("This key has reached its credit limit. It works again when the limit is raised.")
        case .insufficientCredits:
            outOfCredits("The account has too few credits for this call. It works again when credits are granted.")
        case .modelNotAllowed:
            field("model", Problem(.forbidden, rawValue, "This application may not use the model that was asked for."))
        case .modelNotFound:
            field("model", Problem(.notFound, rawValue, "There is no model of this name here."))
        case .upstreamFailed:
            Problem(.badGateway, rawValue, "The provider behind this application could not answer the call.")
        case .upstreamTimeout:
            Problem(.gatewayTimeout, rawValue, "The provider behind this application did not answer in time.")
        case .overloaded: .overloaded
        }
    }

    /// A status that OpenAI's clients know, and without the second attempt that they make at it: it would fail as well.
    private func outOfCredits(_ sentence: String) -> Problem {
        Problem(.tooManyRequests, rawValue, sentence).with(.shouldRetry, "false")
    }

    private func field(_ name: String, _ problem: Problem) -> Problem {
        var problem = problem
        problem.fields = [Problem.Field(name, "names no model that this application may use")]
        return problem
    }
}

extension HTTPField.Name {
    static let latchkeyCode = HTTPField.Name("X-Latchkey-Code")!
}
