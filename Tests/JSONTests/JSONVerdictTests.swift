import Foundation
import JSON
import Testing
import Values

/// What Python's and Node's readers say about the same texts (`Tests/EndToEnd/json_verdicts.py` asks them): what is taken
/// here is taken by both and says the same to all three.
@Suite("JSON as Python and Node read it")
struct JSONVerdictTests {
    /// What is no matter of grammar; a text may break more than one of them.
    private static let rules = ["twice", "lone surrogate", "levels deep"]

    @Test("the same verdict, and the same value where it is taken") func verdicts() throws {
        let entries = try #require(try JSON.parse(Data(contentsOf: Self.file)).array)
        #expect(entries.count > 1000)
        for entry in entries.compactMap(\.object) {
            let text = try #require(entry["text"]?.string.flatMap { Data(base64Encoded: $0.string) })
            switch Result(catching: { () throws(JSONError) in try JSON.parse(text) }) {
            case .success(let value):
                #expect(entry["value"]?.string == Text(Self.digest(value.encoded())), "\(entry)")
            case .failure(let error):
                let reason = try #require(entry["refused"]?.string, "\(entry)")
                if reason != "grammar" { #expect(Self.rules.contains { error.rule.contains($0) }, "\(entry)") }
            }
        }
    }

    private static var file: URL {
        var repository = URL(filePath: #filePath)
        for _ in 0..<3 { repository.deleteLastPathComponent() }
        return repository.appending(path: "fixtures/json_verdicts.json")
    }

    /// FNV-1a of 64 bits.
    private static func digest(_ bytes: [UInt8]) -> String {
        let state = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
