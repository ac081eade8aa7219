import Policy
import Testing
import Values

@Suite("Bounds on what a call may cost")
struct CreditBoundsTests {
    private func use(_ posted: Int64, _ held: Int64 = 0) -> Usage {
        Usage(posted: Credits(micro: posted), held: Credits(micro: held))
    }

    private func bounds(
        granted: Int64 = .max, account: Usage? = nil, limit: Int64? = nil, key: Usage = Usage(), monthly: Int64? = nil,
        month: Usage = Usage()
    ) -> CreditBounds {
        CreditBounds(
            granted: Credits(micro: granted), account: account ?? key, keyLimit: limit.map(Credits.init(micro:)),
            key: key, monthlyLimit: monthly.map(Credits.init(micro:)), month: month)
    }

    private func admit(_ cost: Int64, _ bounds: CreditBounds) -> Denial? {
        Policy.admit(cost: Credits(micro: cost), bounds)
    }

    @Test("the last micro-credit may be taken, one more may not; what is held counts like what is charged")
    func edge() {
        for used in [use(90), use(0, 90), use(60, 30)] {
            #expect(admit(10, bounds(granted: 100, account: used)) == nil)
            #expect(admit(11, bounds(granted: 100, account: used)) == .insufficientCredits)
            #expect(admit(10, bounds(limit: 100, key: used)) == nil)
            #expect(admit(11, bounds(limit: 100, key: used)) == .creditLimitReached)
            #expect(admit(10, bounds(monthly: 100, month: used)) == nil)
            #expect(admit(11, bounds(monthly: 100, month: used)) == .monthlyLimitReached)
        }
    }

    @Test("key before month before account") func order() {
        let poor = bounds(granted: 1, limit: 1, monthly: 1)
        #expect(admit(2, poor) == .creditLimitReached)
        var richer = poor
        richer.keyLimit = nil
        #expect(admit(2, richer) == .monthlyLimitReached)
        richer.monthlyLimit = Credits(micro: 2)
        #expect(admit(2, richer) == .insufficientCredits)
        richer.granted = Credits(micro: 2)
        #expect(admit(2, richer) == nil)
    }

    @Test("a limit of zero lets only what is free pass; no limit is none") func zero() {
        #expect(admit(0, bounds(granted: 0, limit: 0, monthly: 0)) == nil)
        #expect(admit(1, bounds(limit: 0)) == .creditLimitReached)
        #expect(admit(1, bounds(monthly: 0)) == .monthlyLimitReached)
        #expect(admit(1, bounds(granted: 0)) == .insufficientCredits)
        #expect(admit(.max, bounds()) == nil)
    }

    @Test("a key over a lowered limit is stopped for free calls as well") func lowered() {
        #expect(admit(0, bounds(limit: 9, key: use(10))) == .creditLimitReached)
        #expect(admit(0, bounds(limit: 10, key: use(10))) == nil)
        #expect(admit(0, bounds(monthly: 9, month: use(5, 5))) == .monthlyLimitReached)
        #expect(bounds(limit: 9, key: use(10)).remaining == .zero)
    }

    @Test("without a limit of its own, a key is only stopped by the account, at the end of 64 bits too")
    func unlimited() {
        let full = bounds(key: use(.max))
        #expect(admit(0, full) == nil)
        #expect(admit(1, full) == .insufficientCredits)
        #expect(admit(.max, full) == .insufficientCredits)
        #expect(admit(2, bounds(key: use(.max - 1), month: use(.max - 1))) == .insufficientCredits)
        #expect(admit(2, bounds(key: use(.max - 1), monthly: .max, month: use(.max - 1))) == .monthlyLimitReached)
    }

    /// Amounts around everything that could go wrong with them.
    private static let extremes: [Int64] = [0, 1, 2, 1 << 62, .max - 1, .max]

    @Test(
        "every combination of the largest and the smallest is decided as with numbers without end", arguments: extremes)
    func exhaustive(cost: Int64) {
        var wrong: [String] = []
        for posted in Self.extremes {
            for held in Self.extremes where Int128(posted) + Int128(held) <= Int128(Int64.max) {
                for granted in Self.extremes where Int128(granted) >= Int128(posted) + Int128(held) {
                    for limit in [nil] + Self.extremes {
                        for monthly in [nil] + Self.extremes {
                            let usage = use(posted, held)
                            let bounds = bounds(
                                granted: granted, limit: limit, key: usage, monthly: monthly, month: usage)
                            let (denial, remaining) = Self.expected(cost, bounds)
                            if admit(cost, bounds) != denial || Int128(bounds.remaining.micro) != remaining {
                                wrong.append("\(bounds)")
                            }
                        }
                    }
                }
            }
        }
        #expect(wrong.count == 0, "the first is \(wrong.first ?? "")")
    }

    /// The same in 128 bits.
    private static func expected(_ cost: Int64, _ bounds: CreditBounds) -> (Denial?, remaining: Int128) {
        let used = Int128(bounds.account.posted.micro) + Int128(bounds.account.held.micro)
        func left(_ limit: Credits?) -> Int128? { limit.map { Int128($0.micro) - used } }
        func isOver(_ limit: Credits?) -> Bool { left(limit).map { $0 < Int128(cost) } ?? false }
        let least =
            [left(bounds.keyLimit), left(bounds.monthlyLimit), left(bounds.granted)].compactMap { $0 }.min() ?? 0
        if isOver(bounds.keyLimit) { return (.creditLimitReached, max(least, 0)) }
        if isOver(bounds.monthlyLimit) { return (.monthlyLimitReached, max(least, 0)) }
        return (isOver(bounds.granted) ? .insufficientCredits : nil, max(least, 0))
    }

    @Test("a sum that no longer fits is no usage") func holding() {
        #expect(use(1, 2).holding(Credits(micro: 3)) == use(1, 5))
        #expect(use(.max).holding(.zero) == use(.max))
        #expect(use(.max).holding(Credits(micro: 1)) == nil)
        #expect(use(0, .max).holding(Credits(micro: 1)) == nil)
        #expect(use(1 << 62, 1 << 61).holding(Credits(micro: 1 << 61)) == nil)
        #expect(use(1 << 62, 1 << 61).holding(Credits(micro: 1 << 61 - 1)) != nil)
    }

    @Test("what a limit leaves is below zero when it was lowered under what is used, and nothing for no limit")
    func left() {
        #expect(use(3, 4).left(of: Credits(micro: 10)) == Credits(micro: 3))
        #expect(use(3, 4).left(of: Credits(micro: 5)) == Credits(micro: -2))
        #expect(use(3, 4).left(of: nil) == nil)
        #expect(use(.max).left(of: .zero) == Credits(micro: -.max))
        #expect(use(0).left(of: .most) == .most)
    }
}
