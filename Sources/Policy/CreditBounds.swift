package import Values

/// What has been used of one bound, and what is being used: both count against it.
package struct Usage: Sendable, Equatable {
    /// Charged.
    package var posted: Credits
    /// Held for calls under way.
    package var held: Credits

    package init(posted: Credits = .zero, held: Credits = .zero) {
        self.posted = posted
        self.held = held
    }

    /// What `limit` leaves; `nil` for no limit. Below zero when the limit was lowered under what is used.
    package func left(of limit: Credits?) -> Credits? {
        // Neither part is ever below zero, so no difference of the two and a limit can overflow twice over.
        limit.flatMap { $0.subtracting(posted)?.subtracting(held) }
    }

    /// `nil` when the sum no longer fits: then nothing may be held.
    package func holding(_ cost: Credits) -> Usage? {
        guard let sum = held.adding(cost), posted.adding(sum) != nil else { return nil }
        return Usage(posted: posted, held: sum)
    }
}

/// The three bounds on a call, with what is used of each.
package struct CreditBounds: Sendable {
    /// What was granted to the account, less corrections; the bound that is always there.
    package var granted: Credits
    package var account: Usage
    /// For the whole life of the key; `nil` for none.
    package var keyLimit: Credits?
    package var key: Usage
    /// For the month of the call; `nil` for none.
    package var monthlyLimit: Credits?
    package var month: Usage

    package init(
        granted: Credits, account: Usage, keyLimit: Credits?, key: Usage, monthlyLimit: Credits?, month: Usage
    ) {
        self.granted = granted
        self.account = account
        self.keyLimit = keyLimit
        self.key = key
        self.monthlyLimit = monthlyLimit
        self.month = month
    }

    /// The least that any of the three leaves; nothing, where a limit was lowered below what is used.
    package var remaining: Credits {
        let least = [account.left(of: granted), key.left(of: keyLimit), month.left(of: monthlyLimit)].compactMap(\.self)
            .min()
        return max(least ?? .zero, .zero)
    }
}

extension CreditBounds {
    /// What would be left with a call of this cost held; `nil` when it does not fit.
    package func remaining(after cost: Credits) -> Credits? {
        guard Policy.admit(cost: cost, self) == nil else { return nil }
        return remaining.subtracting(cost)
    }
}

extension Policy {
    /// One bound on a call. The order of the cases is the order of the checks.
    package enum CreditStep: String, Sendable, CaseIterable {
        case keyLimit = "key_limit"
        case monthlyLimit = "monthly_limit"
        case balance

        package var denial: Denial {
            switch self {
            case .keyLimit: .creditLimitReached
            case .monthlyLimit: .monthlyLimitReached
            case .balance: .insufficientCredits
            }
        }
    }

    /// Decides whether a call of this cost fits into every bound, and which is the first that it does not fit into.
    ///
    /// Invariant 4: with the call held, `posted + held ≤ limit` for the key, the month and the account. A call that
    /// costs nothing takes nothing, but a key that stands over a lowered limit is stopped for it as well.
    package static func admit(cost: Credits, _ bounds: CreditBounds) -> Denial? {
        CreditStep.allCases.first { !fits(cost, $0, bounds) }?.denial
    }

    /// Whether a call of this cost fits into one bound.
    package static func fits(_ cost: Credits, _ step: CreditStep, _ bounds: CreditBounds) -> Bool {
        let (usage, limit): (Usage, Credits?) =
            switch step {
            case .keyLimit: (bounds.key, bounds.keyLimit)
            case .monthlyLimit: (bounds.month, bounds.monthlyLimit)
            case .balance: (bounds.account, bounds.granted)
            }
        guard let limit else { return true }
        return (usage.holding(cost)?.left(of: limit)).map { $0 >= .zero } ?? false
    }
}
