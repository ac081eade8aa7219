import Testing
import Values

@testable import Secrets

struct TamperedTokenTests {
    private static let base62 = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let others: [UInt8] = [
        0, 0x0A, 0x20, 0x2B, 0x2D, 0x2E, 0x2F, 0x3A, 0x40, 0x5B, 0x5F, 0x60, 0x7B, 0x7F, 0xFF,
    ]

    /// Each test takes its own tokens: 25 seeds with 8 tokens each.
    private static let seeds = Array(0..<25 as Range<UInt64>)

    private let format: TokenFormat

    init() throws { format = try Samples.format() }

    private func tokens(_ seed: UInt64) -> [[UInt8]] {
        let entropy = Entropy.seeded(seed)
        return (0..<8).map { _ in format.mint(entropy).presented.bytes }
    }

    private func parse(_ bytes: [UInt8]) -> PresentedToken? { format.parse(String(decoding: bytes, as: UTF8.self)) }

    @Test("no single character of a token can be exchanged for any other", arguments: seeds)
    func substitution(seed: UInt64) {
        for token in tokens(seed) {
            for place in token.indices {
                var changed = token
                for other in Self.base62 + Self.others where other != token[place] {
                    changed[place] = other
                    if parse(changed) != nil { Issue.record("\(other) at \(place) was accepted") }
                }
            }
        }
    }

    @Test("no character of a token can be left out or put in", arguments: seeds)
    func lengths(seed: UInt64) {
        for token in tokens(seed) {
            for place in token.indices {
                var shorter = token
                shorter.remove(at: place)
                if parse(shorter) != nil { Issue.record("accepted without \(place)") }
            }
            for place in 0...token.count {
                for other in [token[place % token.count], 0x30, 0x7A, 0x20, 0] {
                    var longer = token
                    longer.insert(other, at: place)
                    if parse(longer) != nil { Issue.record("accepted with \(other) at \(place)") }
                }
            }
        }
    }

    @Test("no two characters of a token can change places", arguments: seeds)
    func transposition(seed: UInt64) {
        for (number, token) in tokens(seed).enumerated() {
            for first in token.indices {
                // Neighbours in every token, any two in the first of each seed.
                for second in token.indices where second > first && (second == first + 1 || number == 0) {
                    guard token[first] != token[second] else { continue }
                    var changed = token
                    changed.swapAt(first, second)
                    if parse(changed) != nil { Issue.record("\(first) and \(second) changed places") }
                }
            }
        }
    }

    @Test("whoever changes a token and mends the checksum has no genuine token", arguments: seeds)
    func forged(seed: UInt64) throws {
        for token in tokens(seed) {
            for place in 3..<token.count - 6 {
                var changed = token
                changed[place] = token[place] == 0x30 ? 0x31 : 0x30
                let read = try #require(format.parse(Samples.checksummed(changed)))
                if format.isGenuine(read) { Issue.record("genuine though changed at \(place)") }
            }
        }
    }

    @Test("a secret under another token's id, or another's tag, is not genuine")
    func mixed() throws {
        let pair = tokens(1)
        let foreignID = pair[0].prefix(15) + pair[1].dropFirst(15)
        let foreignTag = pair[0].prefix(37) + pair[1].dropFirst(37)
        for mix in [foreignID, foreignTag] {
            #expect(parse(Array(mix)) == nil)
            let read = try #require(format.parse(Samples.checksummed(Array(mix))))
            #expect(!format.isGenuine(read))
        }
        #expect(format.isGenuine(try #require(format.parse(Samples.checksummed(pair[0])))))
    }

    @Test("a tag or a checksum beyond what 64 or 32 bits hold is refused")
    func overflowing() throws {
        let token = tokens(2)[0]
        let largest = token.prefix(37) + Array("zzzzzzzzzzz".utf8) + token.suffix(6)
        #expect(!format.isGenuine(try #require(format.parse(Samples.checksummed(Array(largest))))))
        // The same checksum plus 2³², which six digits could hold.
        let checksum = try #require(Base62.number(token.suffix(6))) + (1 << 32)
        #expect(parse(token.dropLast(6) + Base62.digits(of: checksum, count: 6)) == nil)
    }

    @Test("parts of a token, a token twice, and a token among blanks are no token")
    func wholes() {
        let token = tokens(3)[0]
        let text = String(decoding: token, as: UTF8.self)
        for count in token.indices {
            #expect(parse(Array(token.prefix(count))) == nil)
            #expect(parse(Array(token.suffix(count))) == nil)
        }
        for other in [
            "", text + text, text + " ", " " + text, text + "\n", text + "\0", "\0" + text, "\u{FEFF}" + text,
            text + "=", text.uppercased(), text.lowercased(), text.dropFirst(3) + "lk_", "Bearer " + text,
            text + "," + text,
        ] { #expect(format.parse(other) == nil, "\(other.count) characters") }
        #expect(format.parse(String(repeating: text, count: 20_000)) == nil)
    }

    @Test("characters that look alike or are equivalent in Unicode are not the same")
    func lookAlikes() {
        // K, as the Kelvin sign, is canonically equivalent to the letter: Swift's == holds the two strings equal.
        let prefixes = ["lＫ_", "l\u{212A}_", "lк_", "ⅼk_", "lk＿"]
        let token = String(decoding: tokens(4)[0], as: UTF8.self)
        for prefix in prefixes { #expect(format.parse(prefix + token.dropFirst(3)) == nil) }
        for place in 0..<54 {
            let index = token.index(token.startIndex, offsetBy: place)
            let next = token.index(after: index)
            for mark in ["\u{301}", "\u{200B}", "\u{200D}", "\u{AD}"] {
                #expect(format.parse(token[..<next] + mark + token[next...]) == nil)
            }
            // Two bytes for two characters: the length in bytes stays.
            if place < 53 { #expect(format.parse(token[..<index] + "é" + token[token.index(after: next)...]) == nil) }
        }
    }

    @Test("of 100,000 damaged tokens none is read, unless the damage undid itself")
    func fuzz() {
        let entropy = Entropy.seeded(12)
        let tokens = tokens(5)
        for round in 0..<100_000 {
            let token = tokens[round % tokens.count]
            let dice = entropy.bytes(16)
            var changed = token
            for step in 0...Int(dice[0] % 4) {
                let place = Int(dice[1 + 3 * step]) % changed.count
                let other = dice[2 + 3 * step]
                switch dice[3 + 3 * step] % 5 {
                case 0: changed[place] = Self.base62[Int(other) % 62]
                case 1: changed[place] = other
                case 2: changed.remove(at: place)
                case 3: changed.insert(Self.base62[Int(other) % 62], at: place)
                default: changed.swapAt(place, Int(other) % changed.count)
                }
            }
            if changed != token, parse(changed) != nil { Issue.record("accepted after \(dice)") }
        }
    }
}
