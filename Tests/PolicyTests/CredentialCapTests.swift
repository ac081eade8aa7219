import Policy
import Testing

@Suite("Caps on creation")
struct CredentialCapTests {
    @Test("a cap is 3 to 10 and nothing else") func range() {
        let allowed = (-5...20).filter { CredentialCap($0) != nil }
        #expect(allowed == Array(3...10))
        #expect(CredentialCap.standard.value == 10)
    }

    @Test("the last free slot may be taken, one more may not", arguments: 3...10)
    func cap(value: Int) throws {
        let cap = try #require(CredentialCap(value))
        #expect(Policy.mayCreate(live: value - 1, cap: cap, createdToday: 0) == nil)
        #expect(Policy.mayCreate(live: value, cap: cap, createdToday: 0) == .capReached(cap))
        #expect(Policy.mayCreate(live: value + 1, cap: cap, createdToday: 0) == .capReached(cap))
    }

    @Test("ten creations a day, counted apart from the cap") func daily() {
        #expect(Policy.mayCreate(live: 0, cap: .standard, createdToday: 9) == nil)
        #expect(Policy.mayCreate(live: 0, cap: .standard, createdToday: 10) == .dailyLimitReached(limit: 10))
    }
}
