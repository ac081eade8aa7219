import Testing
import Values

struct GenerationsTests {
    private let generations = Generations()
    private let mine = Identifier("00000000-0000-7000-8000-000000000001")!

    @Test func aStampHoldsUntilItsAccountChanges() {
        let stamp = generations.stamp(of: mine)
        #expect(generations.isCurrent(stamp))
        generations.changed(mine)
        #expect(!generations.isCurrent(stamp))
        #expect(generations.isCurrent(generations.stamp(of: mine)))
    }

    @Test func aChangeForAllEndsEveryStamp() {
        let stamp = generations.stamp(of: mine)
        generations.changedForAll()
        #expect(generations.whileCurrent(stamp) { 1 } == nil)
        #expect(generations.whileCurrent(generations.stamp(of: mine)) { 1 } == 1)
    }

    /// Of a thousand other accounts, hardly one shares the slot.
    @Test func anotherAccountsChangesHardlyCount() {
        var ended = 0
        for number in 2...1001 {
            let before = generations.stamp(of: mine)
            let digits = String(number, radix: 16)
            let text = "00000000-0000-7000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
            generations.changed(Identifier(text)!)
            if !generations.isCurrent(before) { ended += 1 }
        }
        #expect(ended < 10)
    }
}
