import Audit
import Testing

@Suite("What an edit has changed")
struct ChangesTests {
    private func noted(_ old: String?, _ new: String?) -> String? {
        var changes = Changes()
        changes.note("field", from: old, to: new)
        return changes.detail["field"]
    }

    private func noted(_ old: [String]?, _ new: [String]?) -> String? {
        var changes = Changes()
        changes.note("field", from: old, to: new)
        return changes.detail["field"]
    }

    @Test("a value that changed is told as it is now, and nothing of one that didn't") func values() {
        #expect(noted("a", "b") == "b")
        #expect(noted(nil, "b") == "b")
        #expect(noted("a", "") == "")
        #expect(noted("a", nil as String?) == "null")
        #expect(noted("a", "a") == nil)
        #expect(noted(nil as String?, nil as String?) == nil)
    }

    @Test("two spellings of one letter are two values") func bytes() {
        #expect(noted("caf\u{E9}", "cafe\u{301}") == "cafe\u{301}")
        #expect(noted(["caf\u{E9}"], ["cafe\u{301}"]) == "+cafe\u{301} -caf\u{E9}")
    }

    @Test("of what is long or a secret only that it changed or went") func unseen() {
        var changes = Changes()
        changes.noteUnseen("same", from: "You are a cat.", to: "You are a cat.")
        #expect(changes.isEmpty)
        changes.noteUnseen("prompt", from: "You are a cat.", to: "You are a dog.")
        changes.noteUnseen("gone", from: "You are a cat.", to: nil)
        changes.note(unseen: "secret", isSet: true)
        #expect(changes.detail == ["prompt": "changed", "gone": "null", "secret": "changed"])
        #expect(!changes.isEmpty)
    }

    @Test("of a list what came, in its order, and what went") func lists() {
        #expect(noted(["a", "b", "c"], ["c", "d", "a", "e"]) == "+d +e -b")
        #expect(noted(nil, ["b", "a"]) == "+b +a")
        #expect(noted(["a"], []) == "-a")
        #expect(noted(["a", "b"], nil) == "null")
        #expect(noted(["a", "b"], ["a", "b"]) == nil)
        #expect(noted(nil as [String]?, nil as [String]?) == nil)
        #expect(noted(["a", "b"], ["b", "a"]) == "reordered")
    }

    @Test("of a long list no more than 512 bytes, and how much more there is") func bounded() throws {
        let many = (0..<100).map { "203.0.113.\($0)/32" }
        let text = try #require(noted(nil, many))
        #expect(text.utf8.count <= Changes.limit)
        #expect(text.utf8.count > Changes.limit - 40)
        let words = text.split(separator: " and ")[0].split(separator: " ")
        #expect(words.map { String($0.dropFirst()) } == Array(many.prefix(words.count)))
        #expect(text.hasSuffix(" and \(100 - words.count) more"))
        #expect(noted(many, many + ["192.0.2.1/32"]) == "+192.0.2.1/32")
        let other = (0..<100).map { "198.51.100.\($0)/32" }
        #expect(try #require(noted(many, other)).utf8.count <= Changes.limit)
    }

    @Test("whatever the lengths, the bound holds, and what fits is whole") func anyLength() {
        for length in [1, 7, 100, 255, 256, 510, 511, 512, 513, 2000] {
            for count in [1, 2, 3, 100] {
                let text = Changes.bounded(Array(repeating: String(repeating: "x", count: length), count: count))
                #expect(text.utf8.count <= Changes.limit, "\(count) of \(length)")
                if length * count + count - 1 <= Changes.limit - 20 {
                    #expect(text.split(separator: " ").count == count, "\(count) of \(length)")
                }
            }
        }
        #expect(Changes.bounded([]) == "")
        #expect(Changes.bounded([String(repeating: "x", count: 512)]).utf8.count == 512)
        #expect(Changes.bounded([String(repeating: "x", count: 513)]) == "1 in all")
    }
}
