package import Credentials
import Policy
package import Values

/// Whether a key works, and if not, what has stopped it. It follows from the key's terms and what was used; nothing has
/// to run for it to change.
package enum KeyStatus: String, Sendable, CaseIterable {
    case active
    case expired
    /// Switched off by its account.
    case disabled
    /// The limit for its whole life is used up.
    case exhausted
    /// The limit for the month is used up; it works again in the next one.
    case suspended
}

extension KeyStatus: FieldText {
    package static let rule =
        "must be one or several of \(allCases.map(\.rawValue).joined(separator: ", ")), each once, with commas between them"

    package init?(_ text: String) { self.init(rawValue: text) }
}

extension Credential {
    package func status(_ meter: KeyMeter, at now: Timestamp) -> KeyStatus {
        if terms.expiresAt.isExpired(at: now) { return .expired }
        if !isEnabled { return .disabled }
        if let limit = terms.creditLimit, meter.usage.posted >= limit { return .exhausted }
        if let limit = terms.monthlyLimit, meter.month.posted >= limit { return .suspended }
        return .active
    }
}
