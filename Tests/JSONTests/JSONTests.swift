import Testing
import Values

@testable import JSON

@Suite("JSON")
struct JSONTests {
    private func parse(_ text: String) throws(JSONError) -> JSON { try JSON.parse(text.utf8) }

    @Test(
        "a text without white space comes back byte for byte",
        arguments: [
            "null", "true", "false", "0", "-0", "1.10", "12345678901234567890", "1e400", "-1.5E-3", "\"\"", "[]", "{}",
            "[1,[2,[3]],{}]", #"{"b":1,"a":{"c":[null,true]}}"#, #""ümläut 猫 \" \\ \n \t""#, #"{"":0}"#,
        ])
    func roundTrip(text: String) throws {
        #expect(try String(decoding: parse(text).encoded(), as: UTF8.self) == text)
    }

    @Test(
        "escapes are read",
        arguments: [(#""\u0041\u00e9\ud83d\ude00\/\b\f""#, "Aé😀/\u{8}\u{C}"), (#""\u0000""#, "\u{0}")])
    func escapes(text: String, value: String) throws { #expect(try parse(text) == .string(value)) }

    @Test(
        "what RFC 8259 does not allow, and what two readers could take for two things",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "1.", ".5", "+1", "1e", "- 1", "NaN",
            "Infinity",
            "nul", "truex", "\"a", "\"\u{1}\"", #""\x""#, #""\u12""#, #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#,
            #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, "1 2", "[] []", "\u{FEFF}{}", "// c\n{}", "{\"a\" 1}",
        ])
    func refused(text: String) { #expect(throws: JSONError.self) { try parse(text) } }

    @Test("invalid UTF-8 is refused") func encoding() {
        for bytes in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]] {
            #expect(throws: JSONError.self) { try JSON.parse(bytes) }
        }
    }

    @Test("depth is bounded, and just below the bound is fine") func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(JSON.maximumDepth))
        #expect(throws: JSONError.self) { try parse(nested(JSON.maximumDepth + 2)) }
        #expect(throws: JSONError.self) { try parse(nested(1_000_000)) }
    }

    @Test("names are compared by their code units (RFC 8259 §8.3), strings too") func codeUnits() throws {
        let object = try #require(try parse(#"{"caf\u00e9":1,"cafe\u0301":2,"K":3,"\u212a":4}"#).object)
        #expect(object.members.map(\.value) == [1, 2, 3, 4])
        #expect(object["caf\u{e9}"] == 1 && object["cafe\u{301}"] == 2 && object["\u{212a}"] == 4)
        #expect(try parse(#""caf\u00e9""#) != parse(#""cafe\u0301""#))
        #expect(try parse(#""\u212a""#) != "K")
        for many in [false, true] {
            let members = many ? (0..<20).map { "\"m\($0)\":0," }.joined() : ""
            #expect(try parse("{\(members)\"caf\u{e9}\":1,\"cafe\u{301}\":2}").object?["cafe\u{301}"] == 2)
            #expect(throws: JSONError.self) { try parse("{\(members)\"cafe\u{301}\":1,\"cafe\\u0301\":2}") }
        }
    }

    @Test("a duplicate is found among many members as well") func manyMembers() throws {
        let members = (0..<1000).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        #expect(try parse("{\(members)}").object?.members.count == 1000)
        for name in ["m0", "m15", "m16", "m999"] {
            #expect(throws: JSONError.self) { try parse("{\(members),\"\(name)\":0}") }
        }
    }

    @Test("the error names a place and a rule, never the content") func sentence() {
        #expect {
            try parse(#"{"token": sk-secret}"#)
        } throws: { error in
            let sentence = (error as? JSONError)?.sentence ?? ""
            return sentence.contains("byte 10") && !sentence.contains("secret")
        }
    }

    @Test("seeded fuzz: no crash, and what is taken comes back the same") func fuzz() {
        var state: UInt64 = 20_261_121
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        let seed = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",null,true],"b":{"c":"😀"},"d":false}"#.utf8)
        var taken = 0
        for _ in 0..<50_000 {
            var bytes = seed
            for _ in 0...(next() % 3) { bytes[Int(next()) % bytes.count] = UInt8(truncatingIfNeeded: next()) }
            guard let value = try? JSON.parse(bytes) else { continue }
            taken += 1
            let again = try? JSON.parse(value.encoded())
            #expect(again == value)
        }
        #expect(taken > 1000)
    }
}

@Suite("Fields of a request")
struct FieldReaderTests {
    private func reader(_ text: String) throws -> FieldReader {
        FieldReader(try #require(JSON.parse(text.utf8).object))
    }

    @Test("unknown and server-owned fields are refused by name") func leftovers() throws {
        #expect(throws: InvalidField.self) { try reader(#"{"owner":1}"#).noOthers() }
        let broken = #expect(throws: InvalidField.self) {
            try reader(#"{"used_amount":1}"#).noOthers(setByServer: ["used_amount"])
        }
        #expect(broken == InvalidField("used_amount", "is set by the server"))
    }

    @Test("a name that could harm a log or page is not repeated") func hostileName() throws {
        let broken = #expect(throws: InvalidField.self) { try reader("{\"a\\u001b[31m\":1}").noOthers() }
        #expect(broken?.field.contains("\u{1B}") == false)
    }

}
