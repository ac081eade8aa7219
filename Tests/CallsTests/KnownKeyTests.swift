import Accounts
import Applications
import Calls
import Catalog
import Credentials
import Database
import Policy
import TestSupport
import Testing
import Values

/// What is answered from memory is what would be answered from the disk.
@Suite("Keys that are known")
struct KnownKeyTests {
    private let house: CallsHouse
    private let made: CallsHouse.Key

    init() async throws {
        house = try await CallsHouse()
        made = try await house.issue()
    }

    private func known(_ key: String? = nil) -> OpenedKey? { house.calls.known(key ?? made.key, at: house.hand.now) }

    @Test("a key is known once it was opened, with the price of each model that it may use") func opened() async throws
    {
        #expect(known() == nil)
        let opened = try await house.calls.open(made.key, at: house.hand.now)
        let again = try #require(known())
        #expect(again.credential == made.credential.id)
        #expect(again.stamp == opened.stamp)
        #expect(again.models.map(\.name) == ["small", "large", "echo"])
        let admitted = try again.admit(to: nil, from: nil, on: .none)
        #expect(admitted.decide(model: nil)?.quote.cost == Credits(micro: 1_000_000))
        #expect(admitted.decide(model: "large")?.quote.cost == Credits(micro: 7_000_000))
        #expect(admitted.decide(model: "absent") == nil)
        #expect(throws: Denial.wrongApp) { try again.admit(to: house.dog.id, from: nil, on: .none) }
    }

    @Test("another secret under the id of a known one is not known") func wrongSecret() async throws {
        _ = try await house.calls.open(made.key, at: house.hand.now)
        let other = try await house.issue()
        let prefix = 3 + 12
        let forged = made.key.prefix(prefix) + other.key.dropFirst(prefix)
        #expect(known(String(forged)) == nil)
        #expect(known("") == nil)
        await #expect(throws: Denial.invalidKey) { try await house.calls.open(String(forged), at: house.hand.now) }
    }

    @Test("a change ends it, and what it is opened with then is the new") func changed() async throws {
        _ = try await house.calls.open(made.key, at: house.hand.now)
        try await house.edit(made.credential) { $0.models = .some([try good("large")]) }
        #expect(known() == nil)
        let opened = try await house.calls.open(made.key, at: house.hand.now)
        #expect(opened.models.map(\.name) == ["large"])
        await #expect(throws: Denial.modelNotAllowed) {
            try await house.calls.decide(try opened.admit(to: nil, from: nil, on: .none), model: nil)
        }
        await #expect(throws: Denial.modelNotFound) {
            try await house.calls.decide(try opened.admit(to: nil, from: nil, on: .none), model: "absent")
        }
    }

    @Test("a price that comes into effect ends it, and so does a clock that is set back before one") func prices()
        async throws
    {
        let small = try await house.catalog.models(Page()).items.first { $0.name == "small" }
        let later = house.hand.now.adding(.seconds(3600))
        let price = try #require(Price(Credits(micro: 9_000_000)))
        _ = try await house.catalog.addPrice(price, of: #require(small).id, effectiveAt: later, by: .test)
        let before = house.hand.now
        func cost() async throws -> Int64? {
            let opened = try await house.calls.open(made.key, at: house.hand.now)
            return try opened.admit(to: nil, from: nil, on: .none).decide(model: nil)?.quote.cost.micro
        }
        #expect(try await cost() == 1_000_000)
        house.hand.set(later.adding(.microseconds(-1)))
        #expect(known() != nil)
        house.hand.advance(.microseconds(1))
        #expect(known() == nil)
        #expect(try await cost() == 9_000_000)
        #expect(known() != nil)
        house.hand.set(before)
        #expect(known() == nil)
        #expect(try await cost() == 1_000_000)
    }

    @Test("an old secret is known until its overlap ends") func retiring() async throws {
        _ = try await house.credentials.rotate(
            made.credential.id, of: house.ada.account, overlap: .seconds(60), by: .test)
        _ = try await house.calls.open(made.key, at: house.hand.now)
        #expect(known() != nil)
        house.hand.advance(.seconds(60))
        #expect(known() == nil)
        await #expect(throws: Denial.invalidKey) { try await house.calls.open(made.key, at: house.hand.now) }
    }

    @Test("the memory is bounded, and keys that no longer fit are opened all the same") func bounded() async throws {
        let tiny = Calls(
            accounts: house.accounts, catalog: house.catalog, applications: house.applications,
            credentials: house.credentials, metering: house.metering, generations: house.generations, memory: 1)
        let other = try await house.issue()
        for key in [made, other, made] {
            let opened = try await tiny.open(key.key, at: house.hand.now)
            #expect(opened.credential == key.credential.id)
        }
        #expect(tiny.known(other.key, at: house.hand.now) == nil)
        #expect(tiny.known(made.key, at: house.hand.now) != nil)
    }
}
