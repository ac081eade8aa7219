import Testing
import Values

@testable import Secrets

@Suite("Passes of the console's pages")
struct PagePassesTests {
    private let passes = Samples.keys.pagePasses
    private let now = Timestamp(microseconds: 1_780_315_200_999_999)

    private func after(_ seconds: Int64) -> Timestamp { now.adding(.seconds(seconds)) }

    @Test("a pass is good for a minute, and not before it was made") func life() {
        let pass = Text(passes.issue(at: now))
        for seconds in [Int64(0), 1, 59, 60] { #expect(passes.isGood(pass, at: after(seconds))) }
        for seconds in [Int64(61), 3600, -1, -3600] { #expect(!passes.isGood(pass, at: after(seconds))) }
    }

    @Test("nobody can make one, or make one last: not with another second, another digest or another master key")
    func forged() throws {
        let pass = passes.issue(at: now)
        let parts = Text(pass).split(on: ".")
        let (second, digest) = (try #require(Int64(parts[0].string)), parts[1].string)
        let other = DeploymentSecrets(master: Samples.bytes(9), pepper: Samples.bytes(2)).pagePasses
        let forged = [
            "\(second - 1).\(digest)", "\(second + 1).\(digest)", "+\(second).\(digest)", "0\(second).\(digest)",
            "\(second).", "\(second)", ".", "", "\(second).\(digest.dropLast())", "\(second).\(digest)A",
            "\(second).\(String(digest.reversed()))", " \(pass)", "\(pass) ", other.issue(at: now),
            "\(Int64.max).\(digest)", "-\(second).\(digest)", String(repeating: "1", count: 10_000) + "." + digest,
        ]
        for text in forged { #expect(!passes.isGood(Text(text), at: now), "\(text.prefix(80))") }
    }
}
