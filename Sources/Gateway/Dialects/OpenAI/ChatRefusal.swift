import HTTP
import HTTPTypes
import Policy
import Values

/// Whose affair a provider's refusal is, and what the caller hears of it.
///
/// | the provider says | the caller hears |
/// |---|---|
/// | 400, 413, 415, 422 about the request | the same status, `context_length_exceeded`, `content_refused` or `provider_refused` |
/// | 429 about the rate | 429 `upstream_rate_limited`, with `Retry-After` |
/// | anything about the operator: account, secret, model, address | 502 `upstream_failed` |
/// | 503, 529 | 502 `upstream_failed`, with `Retry-After` |
/// | anything else | 502 `upstream_failed` |
struct ChatRefusal {
    private let answer: ProviderAnswer
    private let error: ProviderError

    init(_ answer: ProviderAnswer) {
        self.answer = answer
        error = ProviderError(answer.body)
    }

    var refusal: Refusal {
        switch error.kind {
        case .accountEmpty: return failure(.alarm, kind: .accountEmpty)
        case .secretRefused: return failure(.alarm, kind: .secretRefused)
        case .modelUnknown: return failure(.warning, kind: .modelUnknown)
        default: break
        }
        switch answer.status {
        case 400, 413, 415, 422: return own(status: answer.status)
        case 403 where error.kind == .contentRefused || error.isFlagged: return own(status: 400)
        case 401, 403: return failure(.alarm, kind: .secretRefused)
        case 402: return failure(.alarm, kind: .accountEmpty)
        case 404: return failure(.warning, kind: .modelUnknown)
        case 429: return rateLimited
        case 503, 529: return failure(.warning, kind: .overloaded, retryAfter: answer.retrySeconds)
        default: return failure(.warning, kind: nil)
        }
    }

    // MARK: The operator's affair

    private func failure(_ weight: Refusal.Weight, kind: ProviderFault?, retryAfter: String? = nil) -> Refusal {
        var problem = Denial.upstreamFailed.problem
        if let retryAfter { problem = problem.with(.retryAfter, retryAfter) }
        var how = "status \(answer.status)"
        if let kind { how += ": " + kind.rawValue }
        return Refusal(problem: problem, how: how, weight: weight)
    }

    private var rateLimited: Refusal {
        var problem = Problem(
            .tooManyRequests, "upstream_rate_limited",
            "The provider behind this application takes no more calls right now. Try again in a moment.")
        // Whoever is told to wait is told how long.
        problem = problem.with(.retryAfter, answer.retrySeconds ?? "1")
        return Refusal(
            problem: problem, how: "status 429: " + ProviderFault.rateLimited.rawValue, weight: .warning)
    }

    // MARK: The caller's affair

    private func own(status: Int) -> Refusal {
        var problem: Problem
        var kind = error.kind
        if error.isFlagged { kind = .contentRefused }
        switch kind {
        case .contextLength:
            problem = Problem(
                .badRequest, "context_length_exceeded",
                "The messages are longer than the model takes. Send fewer or shorter ones.")
            problem.fields = [InvalidField("messages", "is longer than the model takes")]
        case .contentRefused:
            problem = Problem(
                .badRequest, "content_refused", "The provider's content filter refuses what is in the messages.")
        default:
            kind = .badRequest
            problem = Problem(.badRequest, "provider_refused", sentence)
            problem.status = HTTPResponse.Status(code: status)
            if let field { problem.fields = [InvalidField(field, "is not accepted by the provider")] }
        }
        return Refusal(problem: problem, how: "status \(answer.status): " + kind.rawValue, weight: .none)
    }

    /// The field that the provider names, where the caller's body has it.
    private var field: String? {
        guard let param = error.param, param.utf8.count <= 100, param.isASCII,
            let first = param.split(on: ".", "[").first, answer.isField(first),
            !param.utf8.contains(where: { $0 < 0x21 || $0 == 0x7F })
        else { return nil }
        return param.string
    }

    private var sentence: String {
        if let message = error.message,
            let clean = CleanSentence(message, model: answer.model, isField: answer.isField)
        {
            return "The provider does not accept this call: \(clean.text)"
        }
        if let field { return "The provider does not accept the field \(field) as it is." }
        return "The provider does not accept this call. Check its parameters against what the model can do."
    }
}
