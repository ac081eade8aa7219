package import Policy
package import Values

/// An account's credits: what the ledger says, and what is held.
package struct Balance: Sendable, Equatable {
    /// Grants and adjustments.
    package var granted: Credits
    package var usage: Usage

    package init(granted: Credits = .zero, usage: Usage = Usage()) {
        self.granted = granted
        self.usage = usage
    }

    /// Granted and not charged. (Neither difference can overflow: 0 ≤ posted + held ≤ granted.)
    package var amount: Credits { granted.subtracting(usage.posted) ?? .zero }

    /// Granted, not charged and not held.
    package var available: Credits { usage.left(of: granted) ?? .zero }
}
