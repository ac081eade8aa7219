import TestSupport
import Testing
import Values

@Suite("Shares of a bounded resource")
struct SharesTests {
    private func fill(_ shares: Shares, _ owners: [ShareOwner]) -> Int {
        var taken = 0
        while shares.take(1, for: owners) { taken += 1 }
        return taken
    }

    @Test("one alone can have half, two a third each, and who comes with little finds room") func threshold() {
        let shares = Shares(limit: 1200)
        #expect(fill(shares, [.number(1)]) == 601)
        #expect(fill(shares, [.number(2)]) == 300)
        #expect(shares.take(1, for: [.number(3)]))
        shares.giveBack(601, for: [.number(1)])
        #expect(fill(shares, [.number(1)]) == 450)
    }

    @Test("the percentage makes shares larger or smaller", arguments: [(300, 301), (100, 201), (33, 100)])
    func percent(percent: Int, most: Int) {
        #expect(fill(Shares(limit: 400, percent: percent), [.number(1)]) == most)
    }

    @Test("without an owner only the whole is bounded") func unowned() {
        let shares = Shares(limit: 10)
        #expect(fill(shares, []) == 10)
        shares.giveBack(10, for: [])
        #expect(shares.taken == 0)
    }

    @Test("each of several owners must have room") func several() {
        let shares = Shares(limit: 100)
        #expect(fill(shares, [.number(1), .number(11)]) == 51)
        #expect(!shares.take(1, for: [.number(1), .number(12)]))
        #expect(!shares.take(1, for: [.number(2), .number(11)]))
        #expect(shares.take(1, for: [.number(2), .number(12)]))
        // What was refused took nothing.
        #expect(shares.taken == 52)
    }

    @Test("a small resource is not all taken by rounding") func small() {
        #expect(fill(Shares(limit: 1), [.number(1)]) == 1)
        #expect(fill(Shares(limit: 2), [.number(1)]) == 2)
        #expect(!Shares(limit: 2).take(3, for: [.number(1)]))
    }

    @Test("whatever is taken and given back, the sum stays right and nobody is kept who holds none")
    func random() {
        var chance = SplitMix64(seed: 20_261_130)
        let shares = Shares(limit: 10_000)
        var held: [(Int, Int)] = []
        for _ in 0..<20_000 {
            if Bool.random(using: &chance), let last = held.indices.randomElement(using: &chance) {
                let (amount, owner) = held.remove(at: last)
                shares.giveBack(amount, for: [.number(owner)])
            } else {
                let (amount, owner) = (Int.random(in: 1...500, using: &chance), Int.random(in: 0..<20, using: &chance))
                if shares.take(amount, for: [.number(owner)]) { held.append((amount, owner)) }
            }
            #expect(shares.taken == held.reduce(0) { $0 + $1.0 } && shares.taken <= 10_000)
        }
        #expect(shares.owners == Set(held.map(\.1)).count)
        for (amount, owner) in held { shares.giveBack(amount, for: [.number(owner)]) }
        #expect(shares.taken == 0 && shares.owners == 0)
    }
}

extension ShareOwner {
    fileprivate static func number(_ number: Int) -> ShareOwner { .key(Identifier(number: Int64(number))) }
}
