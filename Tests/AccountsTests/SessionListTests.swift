import Accounts
import Database
import TestSupport
import Testing
import Values

/// One's own sessions: seen, and ended from elsewhere (ASVS 7.4.5, 7.5.2).
@Suite("One's own sessions")
struct SessionListTests {
    private let house: AccountsHouse
    private let ada: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        ada = try await house.user("ada@example.com")
    }

    private func enter(_ user: User) async throws -> AccountsHouse.Entered {
        house.hand.advance(.milliseconds(2))
        return try await house.enter(user)
    }

    @Test("the newest first, without those that have ended, and nobody else's") func list() async throws {
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let first = try await enter(ada)
        house.hand.advance(.seconds(1000))
        let second = try await enter(ada)
        let his = try await enter(bob)
        func ids(_ user: User) async throws -> [Identifier] {
            try await accounts.sessions(of: user.id, Page()).items.map(\.id)
        }
        #expect(try await ids(ada) == [second.session.id, first.session.id])
        #expect(try await ids(bob) == [his.session.id])
        house.hand.advance(.seconds(900))
        #expect(try await ids(ada) == [second.session.id])
    }

    @Test("ending one's own ends it at once; another's is not found") func end() async throws {
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let (one, other, his) = (try await enter(ada), try await enter(ada), try await enter(bob))
        try await accounts.endSession(other.session.id, of: ada.id)
        #expect(try await !house.isAlive(other.token))
        #expect(try await house.isAlive(one.token))
        for id in [other.session.id, his.session.id] {
            await #expect(throws: AccountsError.notFound) { try await accounts.endSession(id, of: ada.id) }
        }
        #expect(try await house.isAlive(his.token))
    }
}
