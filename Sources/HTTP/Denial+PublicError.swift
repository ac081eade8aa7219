import HTTPTypes
import Policy
import Values

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
        case .keyDisabled:
            Problem(.unauthorized, rawValue, "This API key is disabled. Its owner can enable it again.")
                .with(.wwwAuthenticate, BearerCredential.challenge(presented: true))
        case .ipNotAllowed:
            Problem(.forbidden, rawValue, "This key may not be used from the address that the call came from.")
        case .hostNotAllowed:
            Problem(
                .forbidden, rawValue,
                "This key is bound to a host, and the call does not come from a page of it (Origin header).")
        case .browserNotAllowed:
            Problem(
                .forbidden, rawValue,
                "A browser made this call, and this key is for servers. Call from your own server, or bind the key to a host."
            )
        case .accountSuspended:
            Problem(.forbidden, rawValue, "The account of this key is suspended. Its owner can ask the operator why.")
        case .monthlyLimitReached:
            outOfCredits("This key has reached its limit for the month. It works again when the next UTC month begins.")
        case .creditLimitReached:
            outOfCredits("This key has reached its credit limit. It works again when the limit is raised.")
        case .insufficientCredits:
            outOfCredits("The account has too few credits for this call. It works again when credits are granted.")
        case .modelNotAllowed:
            field(
                "model",
                Problem(.forbidden, rawValue, "This key or its application may not use the model that was asked for."))
        case .modelNotFound:
            field("model", Problem(.notFound, rawValue, "There is no model of this name here."))
        case .upstreamFailed:
            Problem(.badGateway, rawValue, "The provider behind this application could not answer the call.")
        case .upstreamTimeout:
            Problem(.gatewayTimeout, rawValue, "The provider behind this application did not answer in time.")
        case .overloaded: .overloaded
        }
    }

    private func outOfCredits(_ sentence: String) -> Problem {
        // RFC 9110 §15.5.3
        Problem(HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required"), rawValue, sentence)
    }

    private func field(_ name: String, _ problem: Problem) -> Problem {
        var problem = problem
        problem.fields = [InvalidField(name, "names no model that this key may use")]
        return problem
    }
}
