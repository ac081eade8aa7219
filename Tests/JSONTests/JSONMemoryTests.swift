import Foundation
import TestSupport
import Testing

@testable import JSON

/// What a scan takes beside the text, for texts that were made to cost much. In processes of their own, so that no other
/// test is measured.
@Suite("The memory that an outline takes", .serialized)
struct JSONMemoryTests {
    static let size = 1 << 20

    /// Texts of about ``size`` bytes.
    static let shapes: [(name: String, text: @Sendable () -> [UInt8])] = [
        ("[[]],[[]]", { filled("[", "[[]],", "1]") }),
        ("a deep text", { filled("[", "[[[[[[[[[[1]]]]]]]]]],", "1]") }),
        ("tiny objects", { filled("[", "{\"a\":0},", "1]") }),
        ("tiny members", { members { "\"\($0)\":0," } }),
        ("tiny members of escapes", { members { "\"\\u0061\($0)\":0," } }),
        ("tiny members in reverse order", { members { "\"\(9_999_999 - $0)\":0," } }),
        ("one name over and over", { filled("{", "\"\":0,", "\"\":0}") }),
        ("strings", { filled("[", "\"x\",", "1]") }),
        ("one string", { filled("\"", "猫", "\"") }),
    ]

    private static func filled(_ beginning: String, _ piece: String, _ end: String) -> [UInt8] {
        var text = Array(beginning.utf8)
        text.reserveCapacity(size + 64)
        while text.count < size { text += piece.utf8 }
        return text + end.utf8
    }

    private static func members(_ member: (Int) -> String) -> [UInt8] {
        var text = Array("{".utf8)
        text.reserveCapacity(size + 64)
        var count = 0
        while text.count < size {
            text += member(count).utf8
            count += 1
        }
        return text + "\"end\":0}".utf8
    }

    @Test("never more than the text itself, and next to nothing where few names are open at a time")
    func bounded() async {
        await #expect(processExitsWith: .success) {
            // What is made with the first use of a thing is not the text's.
            for text in [#"{"a":[0,"x"],"a":1}"#, #"{"a":[1.5e1,"\u0041"],"b":null}"#] {
                _ = PeakMemory.taken { Array(text.utf8).withUnsafeBytes { _ = try? JSONOutline($0) } }
            }
            var isOver = false
            for (name, text) in JSONMemoryTests.shapes {
                let text = text()
                let bound = name.contains("members") ? text.count : 0
                let taken = PeakMemory.taken { text.withUnsafeBytes { _ = try? JSONOutline($0) } }
                print("\(name): \(taken >> 10) KiB for a text of \(text.count >> 10) KiB")
                if taken > bound + 512 << 10 { isOver = true }
            }
            exit(isOver ? 1 : 0)
        }
    }
}
