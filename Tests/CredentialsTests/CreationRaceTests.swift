import Accounts
import Applications
import Credentials
import Database
import Policy
import TestSupport
import Testing
import Values

@Suite("Creating keys at once")
struct CreationRaceTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private enum Outcome: Equatable, Sendable {
        case made(Credential, key: String)
        case refused(CredentialsError)

        static func == (left: Outcome, right: Outcome) -> Bool {
            switch (left, right) {
            case (.made(let one, _), .made(let other, _)): one.id == other.id
            case (.refused(let one), .refused(let other)): one == other
            default: false
            }
        }

        var isMade: Bool { if case .made = self { true } else { false } }
    }

    private static func attempt(_ house: KeysHouse, for app: Application) async throws -> Outcome {
        do {
            let (credential, key) = try await house.issue(for: app)
            return .made(credential, key: key)
        } catch let refusal as CredentialsError {
            return .refused(refusal)
        }
    }

    @Test("200 at once give exactly the cap", arguments: [3, 7, 10])
    func cap(value: Int) async throws {
        try await house.cap(value)
        let dog = try await house.app("Dog", of: house.ada)
        let house = house
        let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for index in 0..<200 {
                group.addTask { try await Self.attempt(house, for: index.isMultiple(of: 2) ? house.cat : dog) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter(\.isMade).count == value)
        // At ten the cap and the limit of the day fall together; the day's is named.
        let refusal: CredentialsError =
            value == 10 ? .dailyLimitReached(10, retryAfterSeconds: 43_200) : .capReached(value)
        #expect(outcomes.filter { $0 == .refused(refusal) }.count == 200 - value)
        #expect(
            try await house.credentials.list(of: house.ada.account, atMost: 100).items.count
                == value)
        for case .made(let credential, let key) in outcomes {
            #expect(try await house.credentials.verify(key, at: house.hand.now).credential == credential.id)
        }
    }

    @Test("200 at once, each deleted as soon as it is there, give exactly ten in the day") func daily() async throws {
        let house = house
        let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    let outcome = try await Self.attempt(house, for: house.cat)
                    if case .made(let credential, _) = outcome { try await house.delete(credential) }
                    return outcome
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter(\.isMade).count == 10)
        let refusal = CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_200)
        #expect(outcomes.filter { $0 == .refused(refusal) }.count == 190)
        #expect(try await house.credentials.list(of: house.ada.account).items.isEmpty)
    }

    @Test("trying again and again at a small cap still gives exactly ten in the day, and never more live than the cap")
    func both() async throws {
        try await house.cap(3)
        let house = house
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    var made = 0
                    while true {
                        switch try await Self.attempt(house, for: house.cat) {
                        case .made(let credential, _):
                            made += 1
                            let live = try await house.credentials.list(of: house.ada.account)
                            #expect(live.items.count <= 3)
                            try await house.delete(credential)
                        case .refused(.capReached(3)): await Task.yield()
                        case .refused(.dailyLimitReached): return made
                        case .refused(let other): throw other
                        }
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(made == 10)
    }

    @Test("each account has its own cap and its own day") func accountsApart() async throws {
        try await house.cap(3)
        for _ in 0..<3 { _ = try await house.issue() }
        let bob = try await house.bob()
        let dog = try await house.app("Dog", of: bob)
        let draft = CredentialDraft(application: dog.id, name: .empty, terms: KeyTerms())
        for _ in 0..<4 { _ = try await house.credentials.issue(draft, by: bob, .test) }
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
    }
}
