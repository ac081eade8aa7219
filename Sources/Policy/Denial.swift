/// Why a call on the data plane was not served. One closed list; the raw value is the stable code that callers see in
/// `X-Latchkey-Code`, and each dialect has its own table from here to a status and a body.
package enum Denial: String, Error, Sendable, CaseIterable {
    /// No key was given, or more than one.
    case missingKey = "missing_key"
    /// Malformed, of which the answer says more; or forged, unknown or deleted, which the caller can't tell apart.
    case invalidKey = "invalid_key"
    /// A genuine key at another app's address.
    case wrongApp = "wrong_app"
    case keyExpired = "key_expired"
    /// Switched off by its account.
    case keyDisabled = "key_disabled"
    /// The account was suspended by an admin.
    case accountSuspended = "account_suspended"
    /// The call comes from an address that the key's allowlist does not have, or from one that can't be known.
    case ipNotAllowed = "ip_not_allowed"
    /// The key is bound to a host, and the call does not come from a page of it.
    case hostNotAllowed = "host_not_allowed"
    /// A browser made the call, and the key is for servers.
    case browserNotAllowed = "browser_not_allowed"
    /// The model exists but the app or the key may not use it.
    case modelNotAllowed = "model_not_allowed"
    /// The operator offers no such model.
    case modelNotFound = "model_not_found"
    /// The key's limit for this month has no room for the call; the next month has.
    case monthlyLimitReached = "monthly_limit_reached"
    /// The key's limit for its whole life has no room for the call.
    case creditLimitReached = "credit_limit_reached"
    /// The account's balance does not cover the call.
    case insufficientCredits = "insufficient_credits"
    /// The upstream refused, broke off or answered with something that is no answer.
    case upstreamFailed = "upstream_failed"
    /// The upstream stayed silent longer than the deployment waits.
    case upstreamTimeout = "upstream_timeout"
    /// A bounded queue is full; trying again later is the right thing to do.
    case overloaded = "overloaded"
}
