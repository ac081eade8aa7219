import TestSupport
import Testing

@testable import Values

@Suite("Identifiers in a row")
struct IdentifiersInARowTests {
    @Test("each is greater than the one before, whatever the clock and the randomness do", arguments: 1...4)
    func ascending(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var last: Identifier?
        for _ in 0..<5000 {
            // A few milliseconds on or back; now and then the random part is all but used up.
            let time = Timestamp(microseconds: 1_780_315_200_000_000 + Int64.random(in: 0..<20_000, using: &generator))
            let isLarge = Int.random(in: 0..<10, using: &generator) == 0
            let random = isLarge ? (UInt64.max, UInt64.max) : (generator.next(), generator.next())
            let next = Identifier(at: time, random: random, after: last)
            if let last { #expect(next > last) }
            #expect(Identifier(next.description) == next)
            #expect(next.description.dropFirst(14).first == "7")
            #expect("89ab".contains(next.description.dropFirst(19).prefix(1)))
            last = next
        }
    }

    @Test("a later time is its own, and so is the randomness") func laterTime() {
        let first = Identifier(at: Timestamp(microseconds: 5000), random: (9, 9), after: nil)
        #expect(first == Identifier(at: Timestamp(microseconds: 5000), random: (9, 9)))
        let later = Identifier(at: Timestamp(microseconds: 6000), random: (1, 1), after: first)
        #expect(later == Identifier(at: Timestamp(microseconds: 6000), random: (1, 1)))
        let earlier = Identifier(at: Timestamp(microseconds: 1000), random: (1, 1), after: first)
        #expect(earlier > first)
        #expect(earlier < later)
    }
}
