import Testing
import Values

@testable import Secrets

struct AuditChainTests {
    private let chain = Samples.keys.auditChain

    /// Written by another implementation (Python's hmac).
    @Test("a link is HMAC-SHA256 over the link before and the fields, each with its length, as it will be in ten years")
    func knownAnswers() {
        #expect(
            chain.link(after: "", ["a", nil, "", "schlüssel"]) == "ryhy1DllWtG1Cilx_LLB54l8fvt0FBSrVEyW2lemVkg")
        #expect(chain.link(after: "x", []) == "951BRLgNCk2-nuEr1Fw_nsgo83xOsIHu65d3ma_AekI")
    }

    @Test("lists that differ only in where a field ends, or in what is missing, have links that differ")
    func boundaries() {
        let length = String(decoding: [0, 0, 0, 0, 0, 0, 0, 1], as: UTF8.self)
        let lists: [(String, [String?])] = [
            ("", []), ("", [""]), ("", [nil]), ("", ["", ""]), ("", [nil, nil]), ("", ["", nil]), ("", [nil, ""]),
            ("a", []), ("", ["a"]), ("a", [""]), ("a", [nil]), ("", ["a", ""]), ("", ["", "a"]), ("", ["a", nil]),
            ("ab", []), ("a", ["b"]), ("", ["ab"]), ("", ["a", "b"]), ("", ["b", "a"]), ("b", ["a"]),
            ("", ["aa", "b"]),
            ("", ["a", "ab"]), ("", ["a\u{1}" + length + "b"]), ("a", ["\u{1}" + length + "b"]), ("", ["\0"]),
            ("", ["\0\0"]), ("", ["\0", nil]), ("", ["a\0"]), ("", ["é"]), ("", ["e\u{301}"]), ("", ["nil"]),
        ]
        #expect(Set(lists.map { chain.link(after: $0.0, $0.1) }).count == lists.count)
    }

    @Test("of any fields of three characters, no two lists have the same link")
    func exhaustive() {
        var fields: [String?] = [nil, ""]
        for _ in 0..<2 {
            fields += fields.compactMap { $0 }.flatMap { text in ["\0", "\u{1}", "a"].map { text + $0 } }
        }
        fields = Array(Set(fields))
        var links: Set<String> = []
        var count = 0
        for first in fields {
            for second in fields {
                count += 1
                links.insert(chain.link(after: "x", [first, second]))
            }
        }
        #expect(links.count == count)
    }

    @Test("whatever is changed, left out, put in or moved breaks the chain from there on")
    func tampering() {
        func links(_ records: [[String?]]) -> [String] {
            records.reduce(into: [""]) { $0.append(chain.link(after: $0[$0.count - 1], $1)) }
        }
        let records: [[String?]] = (0..<8).map { ["\($0)", "key.created", nil, "ada"] }
        let whole = links(records)
        #expect(Set(whole).count == 9)
        for place in 0..<7 {
            var changed = records
            changed[place][3] = "eve"
            var removed = records
            removed.remove(at: place)
            var added = records
            added.insert(records[place], at: place)
            var moved = records
            moved.swapAt(place, place + 1)
            for tampered in [changed, removed, moved] {
                let other = links(tampered)
                #expect(other.prefix(place + 1) == whole.prefix(place + 1))
                #expect(Set(other.dropFirst(place + 1)).isDisjoint(with: whole))
            }
            #expect(Set(links(added).dropFirst(place + 2)).isDisjoint(with: whole))
        }
    }

    @Test("another master key makes other links, and another pepper the same")
    func keys() {
        let otherMaster = DeploymentSecrets(master: Samples.bytes(9), pepper: Samples.bytes(2)).auditChain
        #expect(otherMaster.link(after: "", ["a"]) != chain.link(after: "", ["a"]))
        #expect(Samples.otherKeys.auditChain.link(after: "", ["a"]) == chain.link(after: "", ["a"]))
    }

    @Test("printing it shows nothing")
    func printing() {
        var shown = "\(chain) \(String(reflecting: chain))"
        dump(chain, to: &shown)
        #expect(shown == "‹audit chain› ‹audit chain›- ‹audit chain›\n")
    }
}
