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

import struct Applications.Application

/// Whatever changes what a call would be told, tells so before it is answered: what was decided before can't be held.
@Suite("Changes end what was decided before them")
struct ChangeTests {
    /// One kind of change to the facts of a call of Ada's app.
    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        var testDescription: String { name }
        let endsKey: Bool
        let make: @Sendable (CallsHouse, CallsHouse.Key) async throws -> Void

        init(
            _ name: String, endsKey: Bool = false,
            _ make: @escaping @Sendable (CallsHouse, CallsHouse.Key) async throws -> Void
        ) {
            self.name = name
            self.endsKey = endsKey
            self.make = make
        }
    }

    /// In one house, since each house costs three hashes: what ends the key or its app comes last.
    @Test("each kind of change", arguments: [ofKeys, ofAccounts + ofApps + ofTheCatalog + endings])
    func ends(changes: [Change]) async throws {
        let house = try await CallsHouse()
        try await house.stockCatalog()
        var made = try await house.issue()
        for change in changes {
            let opened = try await house.calls.open(made.key, at: house.hand.now)
            #expect(house.calls.isCurrent(opened, at: house.hand.now), "before: \(change.name)")
            try await change.make(house, made)
            #expect(!house.generations.isCurrent(opened.stamp), "\(change.name)")
            #expect(!house.calls.isCurrent(opened, at: house.hand.now), "\(change.name)")
            if change.endsKey { made = try await house.issue() }
        }
    }

    @Test("what a new key is, and what only looks, ends nothing") func others() async throws {
        let house = try await CallsHouse()
        let made = try await house.issue()
        let opened = try await house.calls.open(made.key, at: house.hand.now)
        _ = try await house.issue()
        _ = try await house.ask(made.key)
        _ = try await house.credentials.list(of: house.ada.account)
        #expect(house.calls.isCurrent(opened, at: house.hand.now))
    }

    fileprivate static func price(_ credits: Int64) throws -> Price {
        guard let price = Price(Credits(micro: credits * 1_000_000)) else { throw BadText(text: "\(credits)") }
        return price
    }

    private static let ofKeys: [Change] = [
        Change("a key's terms") { house, made in
            try await house.edit(made.credential) { $0.creditLimit = .some(Credits(micro: 1)) }
        },
        Change("a key is disabled") { house, made in try await house.edit(made.credential) { $0.isEnabled = false } },
        Change("a key is rotated, with an overlap") { house, made in
            _ = try await house.credentials.rotate(
                made.credential.id, of: house.ada.account, overlap: .seconds(60), by: .test)
        },
        Change("a key is rotated at once", endsKey: true) { house, made in
            _ = try await house.credentials.rotate(
                made.credential.id, of: house.ada.account, overlap: .zero, by: .test)
        },
        Change("a key is deleted", endsKey: true) { house, made in
            try await house.credentials.delete(made.credential.id, of: house.ada.account, by: .test)
        },
        Change("a key was found in the open") { house, made in
            _ = try await house.credentials.disable(
                leaked: made.credential.id, of: house.ada.account, source: .empty, by: .test)
        },
    ]

    @Test("an account is closed") func closed() async throws {
        let house = try await CallsHouse()
        let made = try await house.issue()
        let opened = try await house.calls.open(made.key, at: house.hand.now)
        try await house.credentials.closeAccount(house.ada.account, confirmed: true, for: house.bob, by: .test)
        #expect(!house.calls.isCurrent(opened, at: house.hand.now))
    }

    @Test("an old secret is retired") func retired() async throws {
        let house = try await CallsHouse()
        let made = try await house.issue()
        _ = try await house.credentials.rotate(
            made.credential.id, of: house.ada.account, overlap: .seconds(60), by: .test)
        let opened = try await house.calls.open(made.key, at: house.hand.now)
        _ = try await house.credentials.retire(made.credential.id, of: house.ada.account, by: .test)
        #expect(!house.calls.isCurrent(opened, at: house.hand.now))
    }

    private static let ofApps: [Change] = [
        Change("an app is edited") { house, _ in
            var edit = ApplicationEdit()
            edit.name = try good("Lion")
            _ = try await house.applications.edit(house.cat.id, of: house.ada.account, edit, by: .test)
        }
    ]

    private static let ofAccounts: [Change] = [
        Change("an account is suspended") { house, _ in try await house.suspend(true) },
        Change("an account gets another default group") { house, _ in
            var edit = AccountEdit()
            edit.defaultGroup = try good("dear")
            _ = try await house.accounts.edit(house.ada.account, edit, by: .test)
        },
        Change("an account may no longer show keys again") { house, _ in
            _ = try await house.credentials.editKeyPolicy(
                KeyPolicyEdit(allowsRevealableKeys: false), in: house.ada.account, by: .test)
        },
    ]

    private static let endings: [Change] = [
        Change("an app is deleted with its keys", endsKey: false) { house, _ in
            try await house.credentials.deleteApplication(
                house.cat.id, of: house.ada.account, andCredentials: true, by: .test)
        }
    ]

    private static let ofTheCatalog: [Change] = [
        Change("a provider is edited") { house, _ in
            let edit = ProviderEdit(name: nil, baseURL: try good("https://b.example.com/v1"), secret: .keep)
            _ = try await house.catalog.editProvider(try await house.provider("Far"), edit, by: .test)
        },
        Change("a provider is taken away") { house, _ in
            try await house.catalog.deleteProvider(try await house.provider("Far"), by: .test)
        },
        Change("a model is offered") { house, _ in
            _ = try await house.catalog.createModel(
                provider: try await house.provider("echo"), name: good("tiny"), upstreamName: nil, price: price(1),
                by: .test)
        },
        Change("a model gets another price") { house, _ in
            let model = try await house.model("small")
            _ = try await house.catalog.addPrice(price(9), of: model, effectiveAt: nil, by: .test)
        },
        Change("a price to come is withdrawn") { house, _ in
            let model = try await house.model("huge")
            let versions = try await house.catalog.prices(of: model, Page()).items
            let version = try #require(versions.first { $0.effectiveAt > house.hand.now })
            try await house.catalog.withdrawPrice(version.id, of: model, by: .test)
        },
        Change("a model is taken away") { house, _ in
            try await house.catalog.deleteModel(try await house.model("huge"), by: .test)
        },
        Change("a group gets another multiplier") { house, _ in
            _ = try await house.catalog.addMultiplier(.one, of: "dear", effectiveAt: nil, by: .test)
        },
        Change("a multiplier to come is withdrawn") { house, _ in
            let versions = try await house.catalog.multipliers(of: "dear", Page()).items
            let version = try #require(versions.first { $0.effectiveAt > house.hand.now })
            try await house.catalog.withdrawMultiplier(version.id, of: "dear", by: .test)
        },
        Change("a group is retired") { house, _ in
            _ = try await house.catalog.retireGroup("dear", true, by: .test)
        },
    ]
}

extension CallsHouse {
    /// What changes of the catalog need: a provider, a model with a price to come, a group with a multiplier to come.
    fileprivate func stockCatalog() async throws {
        let later = hand.now.adding(.seconds(3600))
        _ = try await catalog.createProvider(
            ProviderDraft(name: good("Far"), upstream: .openai(good("https://api.example.com/v1"), secret: nil)),
            by: .test)
        let model = try await catalog.createModel(
            provider: try await provider("echo"), name: good("huge"), upstreamName: nil, price: ChangeTests.price(1),
            by: .test)
        _ = try await catalog.addPrice(ChangeTests.price(9), of: model.id, effectiveAt: later, by: .test)
        _ = try await catalog.createGroup(good("dear"), .one, by: .test)
        _ = try await catalog.addMultiplier(.one, of: "dear", effectiveAt: later, by: .test)
        hand.advance(.seconds(1))
    }

    fileprivate func provider(_ name: String) async throws -> Identifier {
        guard
            let found = try await catalog.providers(Page()).items.first(where: {
                $0.name == name || $0.kind.rawValue == name
            })
        else { throw BadText(text: name) }
        return found.id
    }

    fileprivate func model(_ name: String) async throws -> Identifier {
        guard let found = try await catalog.models(Page()).items.first(where: { $0.name == name }) else {
            throw BadText(text: name)
        }
        return found.id
    }
}
