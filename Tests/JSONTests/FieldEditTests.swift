import Testing
import Values

@testable import JSON

/// What a partial edit may say of a field, and of a list above all: null takes it away, and an empty one is nobody's guess.
@Suite("Fields that may be left, set or taken away")
struct FieldEditTests {
    private func reader(_ text: String) throws -> FieldReader {
        FieldReader(try #require(JSON.parse(text.utf8).object))
    }

    /// What an edit of `models` says: `nil` for nothing, an empty list for "take it away".
    private func models(_ value: String, in range: ClosedRange<Int> = 1...3) throws -> [String]? {
        var fields = try reader("{\"models\":\(value)}")
        let edit = try fields.editTexts("models", as: HostName.self, in: range)
        try fields.noOthers()
        switch edit {
        case .absent: return nil
        case .clear: return []
        case .set(let hosts): return hosts.map(\.text)
        }
    }

    @Test("null and absent are told apart") func edits() throws {
        var fields = try reader(#"{"host":null,"name":"a.example"}"#)
        guard case .clear = try fields.edit("host", as: HostName.self) else {
            Issue.record("null takes a field away")
            return
        }
        guard case .absent = try fields.edit("group", as: HostName.self) else {
            Issue.record("an absent field says nothing")
            return
        }
        guard case .set(let name) = try fields.edit("name", as: HostName.self) else {
            Issue.record("a value sets the field")
            return
        }
        #expect(name.text == "a.example")
        try fields.noOthers()
    }

    @Test("a list that is not there says nothing, and null takes it away, once read") func absentAndNull() throws {
        var fields = try reader("{}")
        guard case .absent = try fields.editTexts("models", as: HostName.self, in: 1...3) else {
            Issue.record("an absent list says nothing")
            return
        }
        #expect(try models("null") == [])
    }

    @Test("a list is read in its order, as its elements are normalised") func lists() throws {
        #expect(try models(#"["b","A"]"#) == ["b", "a"])
        #expect(try models(#"["a"]"#) == ["a"])
        #expect(try models(#"["a","b","c"]"#) == ["a", "b", "c"])
    }

    @Test(
        "an empty list, one that is too long and what is no list of such texts are refused by the name of the field",
        arguments: [
            ("[]", "models"), (#"["a","b","c","d"]"#, "models"), (#""a""#, "models"), ("{}", "models"),
            ("false", "models"), ("1", "models"), (#"["a",1]"#, "models[1]"), (#"["a",null]"#, "models[1]"),
            (#"["a b"]"#, "models[0]"), (#"["a",["b"]]"#, "models[1]"),
        ])
    func refused(value: String, field: String) throws {
        let broken = #expect(throws: InvalidField.self) { try models(value) }
        #expect(broken?.field == field)
    }
}
