package import Policy
package import Values

/// What there is for the calls of one key, and what was used of it: its account's balance and its own meter, as of one
/// moment.
package struct KeyCredits: Sendable {
    package let balance: Balance
    package let meter: KeyMeter

    /// The bounds on a call under the key's limits.
    package func bounds(keyLimit: Credits?, monthlyLimit: Credits?) -> CreditBounds {
        CreditBounds(
            granted: balance.granted, account: balance.usage, keyLimit: keyLimit, key: meter.usage,
            monthlyLimit: monthlyLimit, month: meter.month)
    }

    /// The bounds on a call of a key with these terms.
    package func bounds(of terms: KeyTerms) -> CreditBounds {
        bounds(keyLimit: terms.creditLimit, monthlyLimit: terms.monthlyLimit)
    }
}
