import Testing
import Values

@testable import Secrets

struct TokenScannerTests {
    private typealias Finding = TokenScanner.Finding

    /// One is the end of another; one is all that the longest may be.
    private static let prefixes = ["sk-", "k-", "lk_k_", "sixteen-letters_"]

    private let formats: [TokenFormat]
    private var shapes: [TokenShape] { formats.map(\.shape) }

    init() throws { formats = try Self.prefixes.map { try Samples.format($0) } }

    private func token(_ format: Int = 0, _ seed: UInt64 = 1) -> [UInt8] {
        formats[format].mint(.seeded(seed)).presented.bytes
    }

    private func scan(_ pieces: [some Collection<UInt8>]) -> [Finding] {
        var scanner = TokenScanner(shapes)
        return pieces.flatMap { scanner.scan($0) }
    }

    private func scan(_ text: String) -> [Finding] { scan([Array(text.utf8)]) }

    /// What a scanner is to find, found by trying every place.
    private func tried(_ bytes: [UInt8]) -> [Finding] {
        bytes.indices.flatMap { start in
            shapes.compactMap { shape -> Finding? in
                guard start + shape.length <= bytes.count, bytes[start...].starts(with: shape.prefixBytes),
                    let token = shape.parse(Array(bytes[start..<start + shape.length]))
                else { return nil }
                let before = bytes[..<start]
                return Finding(
                    hint: shape.hint(forID: token.id), prefix: shape.prefix, line: before.count { $0 == 0x0A } + 1,
                    column: start - (before.lastIndex(of: 0x0A) ?? -1))
            }
        }
    }

    @Test("a token is found with its hint, prefix, line and column, and nothing of its secret")
    func finding() {
        let minted = formats[0].mint(.seeded(1))
        let text = "# é\r\n\nexport KEY='\(minted.secret.exposed())'\n"
        let findings = scan(text)
        #expect(findings == [Finding(hint: minted.hint, prefix: "sk-", line: 3, column: 13)])
        var shown = ""
        dump(findings, to: &shown)
        #expect(!shown.contains(minted.secret.exposed().dropFirst(6)))
    }

    @Test("what stands around a token, and whether that is a text at all, does not matter")
    func surroundings() {
        let token = String(decoding: token(), as: UTF8.self)
        for (before, after) in [
            ("", ""), ("\0", "\0"), ("\\n", "\\n"), ("x", "x"), ("sk-", "sk-"), ("sk-a", "_"), ("sk_", "-"), ("é", "é"),
            ("https://a.example/?key=", "&b=c"), ("s", "s"), ("sk", "sk"), ("-", "-"), ("=", "="),
        ] {
            let findings = scan(before + token + after)
            #expect(findings.map(\.column) == [before.utf8.count + 1], "between \(before) and \(after)")
        }
        let binary = [0xFF, 0xFE, 0xC3] + self.token() + [0x80, 0xFF] as [UInt8]
        #expect(scan([binary]).map(\.column) == [4])
    }

    @Test("tokens that touch are all found, in their order")
    func adjacent() {
        let tokens = (0..<4).map { token($0, UInt64($0)) }
        let findings = scan([Array(tokens.joined()) + [0x0A] + tokens[0] + tokens[0]])
        #expect(findings.map(\.prefix) == Self.prefixes + ["sk-", "sk-"])
        #expect(findings.map(\.line) == [1, 1, 1, 1, 2, 2])
        #expect(findings.map(\.column) == [1, 55, 108, 164, 1, 55])
    }

    @Test("a prefix that is the end of another has no part in the other's tokens")
    func nestedPrefixes() throws {
        #expect(scan([token(0)]).map(\.prefix) == ["sk-"])
        #expect(scan([Array("s".utf8) + token(1)]).map(\.prefix) == ["k-"])
        #expect(scan([Array("s".utf8) + token(1)]).map(\.column) == [2])
        var alone = TokenScanner([shapes[1]])
        #expect(alone.scan(token(0)).isEmpty)
    }

    @Test("whichever character is another one, is missing or is one too many, there is no token")
    func nearMisses() {
        let token = token()
        for place in token.indices {
            for other in [0x30, 0x7A, 0x2D, 0x0A, 0, token[place] &+ 1, token[place] &- 1] where other != token[place] {
                var changed = token
                changed[place] = other
                if !scan([changed]).isEmpty { Issue.record("found with \(other) at \(place)") }
            }
            var shorter = token
            shorter.remove(at: place)
            if !scan([shorter]).isEmpty { Issue.record("found without \(place)") }
            for other in [token[place], 0x61, 0x2D] {
                var longer = token
                longer.insert(other, at: place)
                // One more at either end, or the last one twice, leaves it whole.
                let isWhole = longer.starts(with: token) || longer.dropFirst().elementsEqual(token)
                if scan([longer]).count != (isWhole ? 1 : 0) { Issue.record("wrong with \(other) at \(place)") }
            }
        }
        for count in 0..<token.count { #expect(scan([Array(token.prefix(count))]).isEmpty) }
    }

    @Test("a token of a prefix that nobody asked for is none, and without shapes there are none")
    func others() throws {
        let foreign = try Samples.format("lkp-").mint(.seeded(1)).presented.bytes
        #expect(scan([foreign]).isEmpty)
        var scanner = TokenScanner([])
        #expect(scanner.scan(token()).isEmpty)
        #expect(scanner.scan([UInt8]()).isEmpty)
    }

    @Test("a shape that is given twice finds a token once")
    func twice() {
        var scanner = TokenScanner([shapes[0], shapes[0]])
        #expect(scanner.scan(token()).count == 1)
    }

    /// Tokens, parts of tokens and near-misses among characters that are likely to confuse.
    private func noise(_ entropy: Entropy) -> [UInt8] {
        let favoured = Array("sk-_l\nA0z \0\u{FF}".utf8)
        var bytes: [UInt8] = []
        while bytes.count < 500 {
            let dice = entropy.bytes(6)
            let format = Int(dice[1] % 4)
            var token = formats[format].mint(entropy).presented.bytes
            switch dice[0] % 10 {
            case 0...3: bytes += token
            case 4:
                token[token.count - 1] = token[token.count - 1] == 0x30 ? 0x31 : 0x30
                bytes += token
            case 5: bytes += token.dropFirst(Int(dice[2]) % 8)
            case 6: bytes += token.dropLast(Int(dice[2]) % 60)
            case 7: bytes += shapes[format].prefixBytes
            case 8: bytes += entropy.bytes(Int(dice[2] % 80)).map { favoured[Int($0) % favoured.count] }
            default: bytes += Base62.random(Int(dice[2] % 120), entropy)
            }
        }
        return bytes
    }

    @Test(
        "wherever the bytes are cut in two, and however small the pieces, the findings are the same", arguments: 0..<12)
    func cuts(seed: Int) {
        let entropy = Entropy.seeded(UInt64(seed))
        let bytes = noise(entropy)
        let expected = tried(bytes)
        #expect(expected.count > 1)
        #expect(scan([bytes]) == expected)
        for place in 0...bytes.count where scan([bytes[..<place], bytes[place...]]) != expected {
            Issue.record("others when cut at \(place)")
        }
        for size in [1, 2, 3, 50, 51, 52, 53, 54, 66, 67, 68] {
            let pieces = stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
            #expect(scan(pieces) == expected, "in pieces of \(size)")
        }
        for _ in 0..<20 {
            var pieces: [ArraySlice<UInt8>] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                pieces.append(rest.prefix(Int(entropy.bytes(1)[0] % 100)))
                rest = rest.dropFirst(pieces[pieces.count - 1].count)
            }
            #expect(scan(pieces) == expected)
        }
    }

    @Test("in more noise, whole, the findings are those of trying every place", arguments: 100..<160)
    func whole(seed: Int) {
        let entropy = Entropy.seeded(UInt64(seed))
        let bytes = noise(entropy) + noise(entropy)
        #expect(scan([bytes]) == tried(bytes))
    }

    @Test("bytes that are in no array are scanned too")
    func collections() {
        let bytes = Array("\n x".utf8) + token()
        let expected = tried(bytes)
        #expect(scan([bytes[...]]) == expected)
        #expect(scan([AnyCollection(bytes)]) == expected)
        var scanner = TokenScanner(shapes)
        #expect(bytes.withUnsafeBytes { scanner.scan($0) } == expected)
    }

    /// Were the work for a byte to grow with the bytes before it, a megabyte would take hours.
    @Test("a megabyte made to be hard is scanned in time that is in proportion", .timeLimit(.minutes(1)))
    func hard() {
        let token = token()
        let almost = Array(token.dropLast()) + [token[token.count - 1] == 0x30 ? 0x31 : 0x30]
        let units = ["sk-", "sk-a", "-", "a", "\n"].map { Array($0.utf8) } + [almost, almost.dropLast()]
        for unit in units {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(1_048_576 + 100)
            while bytes.count < 1_048_576 { bytes += unit }
            bytes += token
            #expect(scan([bytes]).count == 1)
            #expect(scan((0..<20_000).map { bytes[$0..<$0 + 1] }).isEmpty)
        }
    }

    @Test("lines and columns go on from piece to piece, also in a megabyte of lines")
    func positions() {
        var scanner = TokenScanner(shapes)
        let line = [UInt8](repeating: 0x2E, count: 100) + [0x0A]
        for _ in 0..<10_000 { #expect(scanner.scan(line).isEmpty) }
        #expect(scanner.scan([0x2E, 0x2E]).isEmpty)
        #expect(scanner.scan(token().prefix(30)).isEmpty)
        let findings = scanner.scan(token().dropFirst(30) + [0x0A] + token())
        #expect(findings.map(\.line) == [10_001, 10_002])
        #expect(findings.map(\.column) == [3, 1])
    }

    @Test("printing a scanner shows nothing of what it has seen")
    func printing() {
        var scanner = TokenScanner(shapes)
        _ = scanner.scan(token().dropLast())
        var shown = "\(scanner) \(String(reflecting: scanner))"
        dump(scanner, to: &shown)
        #expect(shown == "‹token scanner› ‹token scanner›- ‹token scanner›\n")
    }
}

struct TokenShapeTests {
    @Test("without any key, a shape reads the tokens of its prefix and shows the same of them")
    func keyless() throws {
        let shape = try TokenShape(prefix: "lk_")
        for keys in [Samples.keys, Samples.otherKeys] {
            let format = try Samples.format("lk_", keys)
            let minted = format.mint(.system)
            let text = minted.secret.exposed()
            #expect(shape.parse(text)?.id == minted.id)
            #expect(shape.hint(forID: minted.id) == minted.hint)
            #expect(shape.parse(text.dropLast()) == nil)
            #expect(shape.pattern == format.shape.pattern)
        }
        #expect(throws: TokenFormatError()) { try TokenShape(prefix: "lk") }
    }
}
