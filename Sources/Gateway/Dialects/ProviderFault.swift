import JSON
import Values

/// What a provider says went wrong, as far as it matters whose affair it is. The raw value is for the operator's log.
enum ProviderFault: String, Equatable, Sendable, CaseIterable {
    /// The operator's account with the provider has nothing left.
    case accountEmpty = "the operator's account with the provider has no credit or quota left"
    /// The provider does not accept the operator's secret, or what it may be used for.
    case secretRefused = "the provider does not accept the secret that is configured"
    case modelUnknown = "the provider does not know the model, or not at this address"
    case rateLimited = "the provider limits the rate of calls"
    case overloaded = "the provider is overloaded"
    case contextLength = "the conversation is longer than the model takes"
    case contentRefused = "the provider's content filter refused"
    case badRequest = "the provider does not accept the request"
    case unknown = "of an unknown kind"

    /// From a code or a type, in small letters.
    init?(word: Text) {
        guard let known = Self.words.first(where: { $0.value.contains(word) })?.key else { return nil }
        self = known
    }

    /// The words of OpenAI, Azure, Anthropic, Google and the servers that speak like them.
    private static let words: [ProviderFault: Set<Text>] = [
        .accountEmpty: [
            "insufficient_quota", "insufficient_user_quota", "credit_balance_exhausted", "billing_hard_limit_reached",
            "billing_not_active", "billing_error", "insufficient_balance", "insufficient_funds", "payment_required",
            "account_deactivated", "account_disabled", "quota_exceeded", "exceeded_current_quota_error",
            "pre_consume_token_quota_failed", "arrearage", "budget_exceeded",
        ],
        .secretRefused: [
            "invalid_api_key", "authentication_error", "invalid_authentication", "permission_error",
            "permission_denied", "unauthenticated", "unauthorized", "incorrect_api_key", "api_key_invalid",
            "invalid_organization", "organization_required", "access_denied", "auth_error", "forbidden",
            "mismatched_organization", "unsupported_country_region_territory", "ip_not_authorized",
        ],
        .modelUnknown: [
            "model_not_found", "not_found_error", "deploymentnotfound", "not_found", "notfounderror",
            "model_not_available",
        ],
        .rateLimited: [
            "rate_limit_exceeded", "rate_limit_error", "rate_limit_reached", "too_many_requests", "resource_exhausted",
            "requests", "tokens", "ratelimiterror", "throttling", "429",
        ],
        .overloaded: [
            "overloaded_error", "overloaded", "engine_overloaded", "engine_overloaded_error", "unavailable",
            "service_unavailable", "slow_down", "503", "529",
        ],
        .contextLength: [
            "context_length_exceeded", "string_above_max_length", "context_window_exceeded", "max_tokens_exceeded",
            "contextwindowexceedederror", "request_too_large", "exceed_context_size_error",
        ],
        .contentRefused: [
            "content_filter", "content_policy_violation", "moderation_blocked", "responsibleaipolicyviolation",
            "invalid_prompt", "data_inspection_failed", "contentpolicyviolationerror", "content_filter_error",
            "sensitive_words_detected", "cyber_policy_violation",
        ],
        .badRequest: [
            "invalid_request_error", "invalid_argument", "bad_request", "badrequesterror", "invalid_value",
            "invalid_type", "unsupported_parameter", "unsupported_value", "unknown_parameter",
            "missing_required_parameter", "invalid_parameter_error", "400",
        ],
    ]

    /// The kind that the members of an error name.
    init(kindIn error: JSONWalk.Value, _ walk: JSONWalk) {
        var kinds: [ProviderFault] = []
        walk.forEachMember(of: error) { name, value in
            if walk.equals(name, "code") || walk.equals(name, "type") || walk.equals(name, "status") {
                let range = value.isString ? walk.inside(value) : value.range
                if range.count <= 64, let kind = ProviderFault(word: Text(decoding: walk.bytes[range]).lowercased) {
                    kinds.append(kind)
                }
            }
            return true
        }
        // The most telling one: a code says more than the type beside it.
        self = Self.allCases.first(where: kinds.contains) ?? .unknown
    }
}
