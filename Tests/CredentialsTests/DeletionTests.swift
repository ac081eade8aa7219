import Accounts
import Applications
import Credentials
import Database
import Synchronization
import TestSupport
import Testing
import Values

@Suite("The end of keys")
struct DeletionTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    /// Turned once; whoever reads it turned knows that the deletion has returned.
    private final class Flag: Sendable {
        private let state = Atomic(false)
        var isSet: Bool { state.load(ordering: .acquiring) }
        func set() { state.store(true, ordering: .releasing) }
    }

    private final class Count: Sendable {
        private let state = Atomic(0)
        var value: Int { state.load(ordering: .acquiring) }
        func add() { state.add(1, ordering: .acquiringAndReleasing) }
    }

    @Test("a deleted key is refused by the next verify, and deleted only once") func next() async throws {
        let (credential, key) = try await house.issue()
        let other = try await house.issue()
        #expect(try await house.opens(key))
        try await house.delete(credential)
        #expect(try await !house.opens(key))
        #expect(try await house.opens(other.key))
        await #expect(throws: CredentialsError.notFound) { try await house.delete(credential) }
        await #expect(throws: CredentialsError.notFound) {
            try await house.credentials.find(credential.id, of: credential.account)
        }
    }

    @Test("no verify that begins after a deletion returned is served, whatever else is under way")
    func hammer() async throws {
        let house = house
        for round in 0..<20 {
            // A new day each time, so that there is always a creation left.
            house.hand.advance(.seconds(86_400))
            let (credential, key) = try await house.issue()
            // Every other round nothing is in memory: the first verifies read, hash and race with the deletion.
            let credentials = round.isMultiple(of: 2) ? house.credentials : try house.restarted()
            let deleted = Flag()
            let served = Count()
            let late = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        var late = 0
                        var left = 20
                        while left > 0 {
                            let isLate = deleted.isSet
                            if isLate { left -= 1 }
                            if try await house.opens(key, with: credentials) {
                                served.add()
                                if isLate { late += 1 }
                            }
                            // A verify from memory never waits; without this the deletion would get no thread.
                            await Task.yield()
                        }
                        return late
                    }
                }
                if round.isMultiple(of: 2) {
                    while served.value < 20 { await Task.yield() }
                } else {
                    for _ in 0..<(round * 3) { await Task.yield() }
                }
                try await credentials.delete(credential.id, of: credential.account, by: .test)
                deleted.set()
                return try await group.reduce(0, +)
            }
            #expect(late == 0, "round \(round)")
            #expect(try await !house.opens(key, with: credentials), "round \(round)")
        }
    }

    @Test("a key that dies while its first Argon2id runs stays dead") func diesWhileHashing() async throws {
        let house = house
        for round in 0..<5 {
            house.hand.advance(.seconds(86_400))
            let (credential, key) = try await house.issue()
            let cold = try house.restarted()
            let first = Task { try await house.opens(key, with: cold) }
            try await Task.sleep(for: .milliseconds(round * 4))
            try await cold.delete(credential.id, of: credential.account, by: .test)
            #expect(try await !house.opens(key, with: cold))
            _ = try await first.value
            #expect(try await !house.opens(key, with: cold))
        }
    }

    @Test("deleting an app that has keys asks first, and then ends them all and no others") func app() async throws {
        let dog = try await house.app("Dog", of: house.ada)
        let account = house.ada.account
        let doomed = [try await house.issue(for: dog), try await house.issue(for: dog)]
        let expired = try await house.issue(for: dog, until: house.hand.now.adding(.seconds(1)))
        let kept = try await house.issue()
        house.hand.advance(.seconds(2))
        for key in doomed + [kept] { #expect(try await house.opens(key.key)) }
        await #expect(throws: CredentialsError.confirmationRequired(keys: 3)) {
            try await house.credentials.deleteApplication(dog.id, of: account, andCredentials: false, by: .test)
        }
        for key in doomed { #expect(try await house.opens(key.key)) }
        try await house.credentials.deleteApplication(dog.id, of: account, andCredentials: true, by: .test)
        for key in doomed + [expired] { #expect(try await !house.opens(key.key)) }
        #expect(try await house.opens(kept.key))
        #expect(
            try await house.credentials.list(of: account).items.map(\.id) == [
                kept.credential.id
            ])
        #expect(try await house.applications.opened(dog.id) == nil)
        await #expect(throws: ApplicationsError.notFound) { try await house.applications.find(dog.id, of: account) }
        await #expect(throws: ApplicationsError.notFound) {
            try await house.credentials.deleteApplication(dog.id, of: account, andCredentials: true, by: .test)
        }
    }

    @Test("an app whose keys are all deleted goes without a question, one with an expired key doesn't")
    func appWithoutLiveKeys() async throws {
        let dog = try await house.app("Dog", of: house.ada)
        try await house.delete(house.issue(for: dog).credential)
        let expired = try await house.issue(for: dog, until: house.hand.now.adding(.seconds(1)))
        house.hand.advance(.seconds(1))
        await #expect(throws: CredentialsError.confirmationRequired(keys: 1)) {
            try await house.credentials.deleteApplication(
                dog.id, of: house.ada.account, andCredentials: false, by: .test)
        }
        try await house.delete(expired.credential)
        try await house.credentials.deleteApplication(dog.id, of: house.ada.account, andCredentials: false, by: .test)
        #expect(try await house.applications.opened(dog.id) == nil)
    }

    @Test("creating keys while their app is deleted leaves no live key behind") func createWhileDeleting() async throws
    {
        let house = house
        let dog = try await house.app("Dog", of: house.ada)
        _ = try await house.issue(for: dog)
        let keys = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<9 {
                group.addTask {
                    do {
                        return try await house.issue(for: dog).key
                    } catch CredentialsError.noSuchApplication {
                        return nil
                    }
                }
            }
            group.addTask {
                try await Task.sleep(for: .milliseconds(60))
                try await house.credentials.deleteApplication(
                    dog.id, of: house.ada.account, andCredentials: true, by: .test)
                return nil
            }
            return try await group.reduce(into: [String]()) { keys, key in if let key { keys.append(key) } }
        }
        for key in keys { #expect(try await !house.opens(key)) }
        #expect(try await house.credentials.list(of: house.ada.account).items.isEmpty)
    }

    @Test("another account finds, lists and deletes nothing: the same answer as for what is absent") func tenants()
        async throws
    {
        let (credential, key) = try await house.issue()
        let bob = try await house.bob()
        let absent = Identifier(at: house.hand.now, random: (7, 7))
        for id in [credential.id, absent] {
            await #expect(throws: CredentialsError.notFound) { try await house.credentials.find(id, of: bob.account) }
            await #expect(throws: CredentialsError.notFound) {
                try await house.credentials.delete(id, of: bob.account, by: .test)
            }
        }
        for id in [house.cat.id, absent] {
            await #expect(throws: ApplicationsError.notFound) {
                try await house.credentials.deleteApplication(id, of: bob.account, andCredentials: true, by: .test)
            }
            #expect(try await house.credentials.list(of: bob.account, KeyFilter(application: id)).items.isEmpty)
        }
        #expect(try await house.credentials.list(of: bob.account).items.isEmpty)
        #expect(try await house.opens(key))
        #expect(try await house.credentials.find(credential.id, of: house.ada.account).id == credential.id)
    }
}
