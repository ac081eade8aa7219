import Glibc
import JSON
import Testing

/// Parsing takes a time that grows with the bytes, however they are chosen.
@Suite("The time that JSON takes")
struct JSONTimeTests {
    /// Hostile texts of about so many bytes.
    static let shapes: [(name: String, text: @Sendable (Int) -> String)] = [
        (
            "two near-equal names of combining marks",
            { count in
                let marks =
                    String(repeating: "\u{301}", count: count / 8)
                    + String(repeating: "\u{323}", count: count / 8)
                return "{\"a\(marks)\":1,\"a\(marks)\u{301}\":1}"
            }
        ),
        (
            "names in a row that begin alike",
            { count in
                let beginning = String(repeating: "\u{323}", count: 200)
                return "{" + (0..<count / 420).map { "\"\(beginning)\($0)\":1" }.joined(separator: ",") + "}"
            }
        ),
        ("short names", { "{" + (0..<$0 / 10).map { "\"\($0)\":1" }.joined(separator: ",") + "}" }),
        (
            "names of escapes that begin alike",
            { count in
                let beginning = String(repeating: "\\u0061", count: 50)
                return "{" + (0..<count / 310).map { "\"\(beginning)\($0)\":1" }.joined(separator: ",") + "}"
            }
        ),
        ("one long number", { String(repeating: "9", count: $0) }),
        ("numbers", { "[" + String(repeating: "1,", count: $0 / 2) + "1]" }),
        ("escapes", { "\"" + String(repeating: "\\u0301", count: $0 / 6) + "\"" }),
        ("depth", { "[" + String(repeating: "[[[[[[]]]]]],", count: $0 / 13) + "1]" }),
        ("a deep beginning", { String(repeating: "[", count: $0) }),
        ("blanks", { String(repeating: " ", count: $0) + "1" }),
    ]

    @Test("twice the bytes take about twice the time", arguments: shapes.indices) func linear(shape: Int) {
        func seconds(_ count: Int) -> Double {
            let text = Self.shapes[shape].text(count)
            return (0..<3).map { _ in
                cpuSeconds { _ = try? JSON.parse(text.utf8).encoded() }
            }.min() ?? 0
        }
        let (half, whole) = (seconds(50_000), seconds(100_000))
        // What is square takes four times as long. Below a millisecond, nothing grows with the square of anything.
        #expect(whole < 2.8 * half + 0.001, "\(Self.shapes[shape].name): \(half) and \(whole) s")
    }

    private func cpuSeconds(_ work: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let began = now()
        work()
        return now() - began
    }
}
