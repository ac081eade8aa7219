import TestSupport
import Testing
import Values

@Suite("Identifiers that are numbers")
struct IdentifierNumberTests {
    private static let edges: [Int64] = [
        0, 1, 511, 512, 513, 1 << 21 - 1, 1 << 21, 1 << 21 + 1, 3_742_000_000_000_000_000, .max - 1,
    ]

    @Test("there and back", arguments: edges) func edge(number: Int64) {
        let id = Identifier(number: number)
        #expect(id.number == number)
        #expect(id.numberBound == number)
        #expect(Identifier(id.description) == id)
        // The version and the variant of RFC 9562.
        let text = Array(id.description)
        #expect(text[14] == "7")
        #expect("89ab".contains(text[19]))
    }

    @Test("the order is the same", arguments: Seeds.list(1...4)) func order(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        for _ in 0..<2000 {
            let (left, right) = (Int64(dice.next() >> 1), Int64(dice.next() >> 1))
            #expect((left < right) == (Identifier(number: left) < Identifier(number: right)))
            let near = left &+ Int64(dice.below(3)) - 1
            if near >= 0 { #expect((left < near) == (Identifier(number: left) < Identifier(number: near))) }
        }
    }

    @Test("it begins with the milliseconds of its time, as any identifier") func time() throws {
        let time = try #require(Timestamp(rfc3339: "2026-06-10T12:00:00.123Z"))
        let made = Identifier(at: time, random: (0, 0))
        #expect(Identifier(number: time.milliseconds << 21).description.prefix(13) == made.description.prefix(13))
    }

    @Test("one that was made otherwise has no number, but a place among them", arguments: Seeds.list(1...4))
    func foreign(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        for _ in 0..<1000 {
            let time = Timestamp(microseconds: Int64(dice.next() >> 10))
            let id = Identifier(at: time, random: (dice.next(), dice.next()))
            let bound = id.numberBound
            guard bound < .max else { continue }
            if id.number == nil { #expect(Identifier(number: bound) > id) }
            if bound > 0 { #expect(Identifier(number: bound - 1) < id) }
        }
        let last = Identifier("ffffffff-ffff-ffff-ffff-ffffffffffff")
        #expect(last?.number == nil)
        #expect(last?.numberBound == .max)
    }
}
