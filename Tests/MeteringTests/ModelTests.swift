import TestSupport
import Testing

@Suite("The ledger against a model of it")
struct ModelTests {
    @Test(
        "whatever happens, in whatever order: each balance, total and day is as the model says, after each step",
        arguments: Seeds.list(1...20))
    func interleavings(seed: UInt64) async throws {
        var run = try await ModelRun(seed: seed)
        try await run.play(150)
    }

    @Test("one seed makes the same choices each time") func seeds() {
        func choices(_ seed: UInt64) -> [UInt64] {
            var dice = SplitMix64(seed: seed)
            return (0..<5).map { _ in dice.next() }
        }
        #expect(choices(7) == choices(7))
        #expect(choices(7) != choices(8))
        // The published first outputs of SplitMix64 for the seed 1234567.
        #expect(choices(1_234_567).prefix(2) == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973])
    }
}
