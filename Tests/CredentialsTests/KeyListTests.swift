import Accounts
import Applications
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

import struct Applications.Application

@testable import Credentials

/// Lists of keys: each order and each filter against the same in memory, page by page, also where only part of the keys is
/// looked at for one page.
@Suite("Lists of keys")
struct KeyListTests {
    private typealias Row = KeysHouse.KeyRow

    private let house: KeysHouse
    private let dog: Application

    init() async throws {
        house = try await KeysHouse()
        dog = try await house.app("Dog", of: house.ada)
    }

    private static let orders = KeySort.Field.allCases.flatMap { [KeySort($0), KeySort($0, isDescending: true)] }

    /// So few different values that many keys are equal in one, and some in all.
    private func rows(_ count: Int, _ choices: inout SplitMix64) -> [Row] {
        (0..<count).map { number in
            let time = house.hand.now.adding(.seconds(choices.below(4) - 10))
            return Row(
                id: Identifier(at: time, random: (choices.next(), choices.next())),
                application: choices.pick([house.cat.id, dog.id]),
                name: choices.pick(["", "a", "A", "b_1", "bx1", "100%", "back\\slash", "Ä", "ä", "z"]),
                secret: "\(choices.pick(["Abc", "abD"]))0000\(number + 10000)",
                labels: choices.pick([[], ["a"], ["a", "b_c"], ["bxc"], ["b"]]),
                environment: choices.pick([nil, "production", "testing"]),
                usedAt: choices.pick([nil, time, time.adding(.seconds(1))]),
                expiresAt: choices.pick([nil, house.hand.now, house.hand.now.adding(.seconds(1)), time]),
                isDisabled: choices.chance(30), isDeleted: choices.chance(20), createdAt: time)
        }
    }

    private func isFound(_ key: Credential, _ filter: KeyFilter, _ search: String?) -> Bool {
        let state: KeyFilter.State =
            key.terms.expiresAt.isExpired(at: house.hand.now) ? .expired : key.isEnabled ? .enabled : .disabled
        func has(_ text: String) -> Bool { Text(text).lowercased.contains(Text(search ?? "").lowercased) }
        return filter.states.contains(state) && filter.application.map { $0 == key.application } ?? true
            && filter.environment.map { $0.text == key.environment } ?? true
            && filter.label.map { key.labels.contains($0.text) } ?? true
            && (search == nil || has(key.name) || has(key.hint) || has(key.secret.id.text))
    }

    private func precedes(_ left: Credential, _ right: Credential, _ sort: KeySort) -> Bool {
        func isLess(_ left: Credential, _ right: Credential) -> Bool {
            func compare<T: Comparable>(_ one: T, _ other: T) -> Bool {
                one == other ? left.id < right.id : one < other
            }
            switch sort.field {
            case .creation: return compare(left.createdAt, right.createdAt)
            case .name: return compare(Text(left.name).lowercased, Text(right.name).lowercased)
            case .lastUse: return compare(left.lastUsedAt ?? .earliest, right.lastUsedAt ?? .earliest)
            case .expiry: return compare(left.terms.expiresAt ?? .latest, right.terms.expiresAt ?? .latest)
            }
        }
        return sort.isDescending ? isLess(right, left) : isLess(left, right)
    }

    /// All pages, one after the other.
    private func walk(_ query: KeyRunQuery, _ limit: Int) async throws -> [Credential] {
        var (found, start): ([Credential], KeyPosition?) = ([], nil)
        for _ in 0..<1000 {
            let run = try await house.database.read { [query, start, now = house.hand.now] in
                try query.run(after: start, atMost: limit, now, $0)
            }
            #expect(run.items.count <= limit)
            found += run.items
            guard let next = run.next else { return found }
            #expect(next != start)
            start = next
        }
        Issue.record("the list has no end")
        return found
    }

    @Test(
        "every order, filter and size of page: each key that is meant, once, in order, and no other", arguments: 1...4)
    func model(seed: UInt64) async throws {
        var choices = SplitMix64(seed: seed)
        let model = try await house.issue().credential
        let bob = try await house.bob()
        let foreign = try await house.credentials.issue(
            CredentialDraft(
                application: house.app("Bob's", of: bob).id, name: good("a"), terms: KeyTerms(),
                labels: [try good("a")]), by: bob, .test
        ).0
        let rows = rows(60, &choices)
        try await house.insert(rows, as: model)
        var keys: [Credential] = [try await house.find(model)]
        for row in rows where !row.isDeleted {
            keys.append(try await house.credentials.find(row.id, of: model.account))
        }
        for sort in Self.orders {
            for _ in 0..<6 {
                var filter = KeyFilter(application: choices.pick([nil, nil, house.cat.id, dog.id]))
                filter.environment = try choices.pick([nil, nil, "production", "none"]).map { try good($0) }
                filter.label = try choices.pick([nil, nil, "a", "b_c", "c"]).map { try good($0) }
                let search = choices.pick([nil, nil, "A", "_", "%", "\\", "ä", "sk-ab", "C…1", "bc0000100", "…"])
                filter.search = try search.map { try good($0) }
                if choices.chance(60) {
                    filter.states = Set(KeyFilter.State.allCases.filter { _ in choices.chance(60) })
                }
                var query = KeyRunQuery(
                    account: model.account, filter: filter, sort: sort, format: house.credentials.format)
                query.window = choices.pick([1, 3, 1000])
                query.few = choices.pick([0, 5, 100])
                let meant = keys.filter { isFound($0, filter, search) }.sorted { precedes($0, $1, sort) }
                let found = try await walk(query, choices.pick([1, 2, 7, 100]))
                #expect(found.map(\.id) == meant.map(\.id), "\(sort.text) \(filter)")
                #expect(!found.contains { $0.id == foreign.id })
            }
        }
    }

    @Test("a page that is looked for in vain is empty, and the list goes on behind it") func emptyPage() async throws {
        let model = try await house.issue().credential
        try await house.insert(30, as: model)
        var filter = KeyFilter()
        filter.search = try good("nothing")
        var query = KeyRunQuery(
            account: model.account, filter: filter, sort: .standard, format: house.credentials.format)
        query.window = 10
        var (start, pages): (KeyPosition?, Int) = (nil, 0)
        repeat {
            let run = try await house.database.read { [query, start, now = house.hand.now] in
                try query.run(after: start, atMost: 100, now, $0)
            }
            #expect(run.items.isEmpty)
            (start, pages) = (run.next, pages + 1)
        } while start != nil && pages < 10
        #expect(pages == 4)
    }

    @Test("the retiring secret finds its key by hint and id for as long as it works") func retiring() async throws {
        let old = try await house.issue()
        _ = try await house.rotate(old.credential, overlap: 60)
        func found(_ text: String) async throws -> Int {
            var filter = KeyFilter()
            filter.search = try good(text)
            return try await house.credentials.list(of: house.ada.account, filter).items.count
        }
        for text in [old.credential.hint, old.credential.secret.id.text] {
            #expect(try await found(text) == 1)
        }
        house.hand.advance(.seconds(60))
        for text in [old.credential.hint, old.credential.secret.id.text] {
            #expect(try await found(text) == 0)
        }
    }

    @Test("a list goes on behind a key that is gone or is another now") func changed() async throws {
        let keys = [try await house.issue().credential, try await house.issue().credential]
        let sort = KeySort(.name)
        _ = try await house.edit(keys[0]) { $0.name = try good("a") }
        _ = try await house.edit(keys[1]) { $0.name = try good("b") }
        let first = try await house.credentials.list(of: house.ada.account, by: sort, atMost: 1)
        #expect(first.items.map(\.id) == [keys[0].id])
        _ = try await house.edit(keys[0]) { $0.name = try good("c") }
        func rest() async throws -> [Identifier] {
            try await house.credentials.list(of: house.ada.account, by: sort, after: first.next, atMost: 5).items.map(
                \.id)
        }
        #expect(try await rest() == [keys[1].id, keys[0].id])
        try await house.delete(keys[0])
        #expect(try await rest() == [keys[1].id])
    }
}
