import Testing
import Values

@testable import Secrets

struct TokenFormatTests {
    /// Written by another implementation of the format (Python's hmac and zlib).
    private static let known = "lk_0123456789ABabcdefghijklmnopqrstuv6ApOpjw8AbC4K4tDv"

    @Test("a token made elsewhere by the same rules and keys is read and genuine")
    func knownAnswer() throws {
        let format = try Samples.format()
        let token = try #require(format.parse(Self.known))
        #expect(format.isGenuine(token))
        #expect(token.id.text == "0123456789AB")
    }

    @Test("a minted token is the prefix and 51 base62 characters, and reads back as itself")
    func minting() throws {
        for prefix in ["lk_", "-", "sixteen-letters_"] {
            let format = try Samples.format(prefix)
            let minted = format.mint(.system)
            let text = minted.secret.exposed()
            #expect(text.utf8.count == prefix.utf8.count + 51)
            #expect(text.hasPrefix(prefix + minted.id.text))
            #expect(text.utf8.dropFirst(prefix.utf8.count).allSatisfy { Base62.value($0) != nil })
            let read = try #require(format.parse(text))
            #expect(read.id == minted.id)
            #expect(minted.presented.id == minted.id)
            #expect(Secret(read.bytes).isSame(as: minted.secret))
            #expect(Secret(minted.presented.bytes).isSame(as: minted.secret))
            #expect(format.isGenuine(read))
            #expect(format.isGenuine(minted.presented))
            #expect(format.parse(("Bearer " + text).dropFirst(7))?.id == minted.id)
        }
    }

    @Test("100,000 minted ids are unique, and every character of id and secret is equally likely")
    func uniformity() throws {
        let format = try Samples.format()
        let entropy = Entropy.seeded(2)
        var ids: Set<TokenID> = []
        var counts = [Int](repeating: 0, count: 256)
        for _ in 0..<100_000 {
            let minted = format.mint(entropy).presented
            ids.insert(minted.id)
            for byte in minted.bytes[3..<37] { counts[Int(byte)] += 1 }
        }
        #expect(ids.count == 100_000)
        let total = counts.reduce(0, +)
        let expected = Double(total) / 62
        let characters = counts.indices.filter { Base62.value(UInt8($0)) != nil }
        let chiSquare = characters.reduce(0.0) { sum, character in
            let difference = Double(counts[character]) - expected
            return sum + difference * difference / expected
        }
        #expect(total == 3_400_000)
        // 61 degrees of freedom: above 130 once in a million seeds. Bytes modulo 62 would give some 30,000.
        #expect(chiSquare < 130)
    }

    @Test("a token of other keys reads well and is not genuine")
    func otherKeys() throws {
        let (ours, foreign) = (try Samples.format(), try Samples.format("lk_", Samples.otherKeys))
        for seed in 0..<50 as Range<UInt64> {
            let token = try #require(ours.parse(foreign.mint(.seeded(seed)).secret.exposed()))
            #expect(!ours.isGenuine(token))
            #expect(foreign.isGenuine(token))
        }
    }

    @Test("a token of one prefix is none of another, also with the prefix exchanged and the checksum made to fit")
    func prefixes() throws {
        let prefixes = ["lk_", "lk-", "lkp-", "l-", "k_", "lk_k_", "LK_", "_"]
        for own in prefixes {
            let minted = try Samples.format(own).mint(.seeded(1))
            let text = minted.secret.exposed()
            for other in prefixes where other != own {
                let format = try Samples.format(other)
                #expect(format.parse(text) == nil)
                #expect(format.parse(other + text) == nil)
                let exchanged = Samples.checksummed(Array((other + text.dropFirst(own.count)).utf8))
                let token = try #require(format.parse(exchanged))
                #expect(!format.isGenuine(token))
            }
        }
    }

    @Test(
        "a prefix is 1 to 16 letters, digits, - and _, and ends in one of the last two",
        arguments: [
            ("", false), ("lk", false), ("lk_k", false), ("lk.", false), ("l k_", false), ("schlüssel_", false),
            ("lk_\n", false), ("lk＿", false), ("[a]_", false), ("seventeen-letters", false),
            ("seventeen-letter_", false),
            ("_", true), ("-", true), ("a--_", true), ("sixteen-letters_", true), ("0_", true),
        ])
    func prefixRules(prefix: String, isAllowed: Bool) throws {
        if isAllowed {
            #expect(try Samples.format(prefix).prefix == prefix)
        } else {
            #expect(throws: TokenFormatError()) { try Samples.format(prefix) }
        }
    }

    @Test("a hint shows five characters of the public id and nothing of the secret")
    func hints() throws {
        let format = try Samples.format()
        #expect(format.hint(forID: try #require(TokenID("0123456789AB"))) == "lk_012…AB")
        let minted = format.mint(.seeded(1))
        #expect(minted.hint == format.hint(forID: minted.id))
    }

    @Test("the pattern finds a token in a text, and no shorter one")
    func pattern() throws {
        let format = try Samples.format("lk-p_")
        let text = format.mint(.seeded(1)).secret.exposed()
        let regex = try Regex(format.shape.pattern)
        let found = try #require(try regex.firstMatch(in: "curl -H 'Authorization: Bearer \(text)' example.org"))
        #expect(String(found[0].substring ?? "") == text)
        #expect(try regex.firstMatch(in: String(text.dropLast())) == nil)
        #expect(try regex.firstMatch(in: text.replacing("_", with: ".")) == nil)
    }

    @Test(
        "an id is 12 base62 characters and gives back its text",
        arguments: [
            ("0123456789AB", true), ("zzzzzzzzzzzz", true), ("000000000000", true), ("AZazAZ09zaZA", true),
            ("", false), ("0123456789A", false), ("0123456789ABC", false), ("0123456789A_", false),
            ("0123456789A ", false), ("0123456789é", false), ("01234+6789AB", false),
        ])
    func ids(text: String, isAllowed: Bool) { #expect(TokenID(text)?.text == (isAllowed ? text : nil)) }

    @Test("ids that differ in one character differ")
    func idEquality() throws {
        let id = try #require(TokenID("000000000000"))
        for place in 0..<12 {
            var other = Array("000000000000".utf8)
            other[place] = 0x31
            #expect(TokenID(String(decoding: other, as: UTF8.self)) != id)
        }
        #expect(TokenID("000000000000") == id)
    }

    @Test("printing a token, presented or minted, shows its public parts alone")
    func printing() throws {
        let minted = try Samples.format().mint(.seeded(9))
        var shown = "\(minted) \(minted.presented) \(String(reflecting: minted.presented)) \([minted.presented])"
        dump(minted, to: &shown)
        dump(minted.presented, to: &shown)
        let text = minted.secret.exposed()
        #expect(!shown.contains(text.dropFirst(15)))
        #expect(!shown.contains(text.utf8.map { "\($0)" }.joined(separator: ", ").dropLast(30)))
        #expect(!shown.contains("\(text.utf8.first ?? 0), "))
        let anything: Any = minted.presented
        #expect(!(anything is any Equatable))
        #expect(!(anything is any Encodable))
    }
}
