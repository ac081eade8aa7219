import TestSupport
import Testing
import Values

@testable import JSON

/// Random texts by seed, read by the scanner and by a plain reader of another make: both must take the same, to the same
/// value, and refuse the same, with the same words about the same place.
@Suite("JSON against a plain reader")
struct JSONFuzzTests {
    @Test("texts that are valid but for a few bytes", arguments: Seeds.list(1...20)) func nearlyValid(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var (taken, refused) = (0, 0)
        for _ in 0..<2_000 {
            var text = RandomJSON.text(&random)
            if random.chance(70) { Self.damage(&text, &random) }
            if compare(text) { taken += 1 } else { refused += 1 }
        }
        // A fuzz that only ever sees one side tests nothing.
        #expect(taken > 400 && refused > 400, "\(taken) taken and \(refused) refused")
    }

    @Test("bytes of JSON's own alphabet in any order", arguments: Seeds.list(1...10)) func anyOrder(seed: UInt64) {
        let pieces =
            [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "u00", "d83d", "\\ude00", "0", "1", "-", ".", "e", "E+",
                "true",
                "false", "null", " ", "\n", "a", "\"a\":", "é", "\u{7F}", "\u{1}",
            ].map { Array($0.utf8) } + [[0xC3], [0xA9], [0xED, 0xA0, 0x80], [0xF4, 0x90], [0xEF, 0xBB, 0xBF]]
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            var text: [UInt8] = []
            for _ in 0..<random.below(12) { text += random.pick(pieces) }
            _ = compare(text)
        }
    }

    @Test("what is UTF-8 is what the standard library says") func encodings() {
        let edges: [UInt8] = [0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0]
        for lead in 0x80...0xFF as ClosedRange<UInt8> {
            for second in edges {
                for third in edges {
                    for fourth in edges {
                        let inner = [lead, second, third, fourth]
                        let isTaken = (try? JSON.parse([0x22] + inner + [0x22])) != nil
                        let isUTF8 = String(validating: inner, as: UTF8.self) != nil
                        if isTaken != isUTF8 { Issue.record("\(inner): \(isTaken)") }
                    }
                }
            }
        }
    }

    @Test("a repeated name is told at its first repetition, whatever else is wrong behind it")
    func repetitions() throws {
        let many = (0..<3000).map { "\"m\($0)\":0" }.joined(separator: ",")
        for (text, offset) in [
            (#"{"a":1,"a":2,]"#, 10), (#"{"a":1,"\u0061":{"b":1,"b":2}}"#, 15), (#"{"a":{"b":1,"b":2},"a":1}"#, 15),
            (#"{"a":1,"a":"#, 10), (#"{"a":1,"b":[{"a":1},{"a":1,"c":{},"a":"x}]"#, 37), (#"{"a":1,"a" 2}"#, 10),
            ("{\(many),\"m7\":1,\"m3\":x", many.utf8.count + 6), ("{\"m7\":0,\(many)}", 61),
        ] {
            let error = #expect(throws: JSONError.self) { try JSON.parse(text.utf8) }
            #expect(error?.offset == offset)
            #expect(error?.rule == "a member name comes twice in one object")
            _ = compare(Array(text.utf8))
        }
    }

    /// Whether it is taken.
    private func compare(_ text: [UInt8]) -> Bool {
        var plain = PlainReader(text)
        let expected = Result { () throws(JSONError) in try plain.text() }
        let found = Result { () throws(JSONError) in try JSON.parse(text) }
        #expect(found == expected, "\(String(decoding: text, as: UTF8.self)) (\(text))")
        // The walk has to find each element and member, too.
        if case .success(let value) = found { #expect((try? plainAgain(value)) == value) }
        return (try? expected.get()) != nil
    }

    private func plainAgain(_ value: JSON) throws -> JSON {
        var plain = PlainReader(value.encoded())
        return try plain.text()
    }

    private static func damage(_ text: inout [UInt8], _ random: inout SplitMix64) {
        for _ in 0...random.below(2) {
            let place = random.below(text.count + 1)
            switch random.below(5) {
            case 0: text.removeSubrange(place..<min(text.count, place + 1 + random.below(3)))
            case 1: text.insert(UInt8(random.below(256)), at: place)
            case 2: if place < text.count { text[place] = UInt8(random.below(256)) }
            case 3:
                text.insert(
                    contentsOf: random.pick(["\"a\":1,", "\\ud800", "[[", "}", ",", "\"", "\u{FEFF}"]).utf8, at: place)
            default: text.removeSubrange(min(text.count, max(place, 1))...)
            }
        }
    }
}
