import Accounts
import Database
import Secrets
import TestSupport
import Testing
import Values

@Suite("Sessions")
struct SessionTests {
    private let house: AccountsHouse
    private var accounts: Accounts { house.accounts }

    init() throws { house = try AccountsHouse() }

    @Test("a session ends when it was idle, at the very instant") func idle() async throws {
        _ = try await house.admin()
        let (actor, token) = try await house.signIn()
        #expect(actor.session?.idleExpiresAt == house.hand.now.adding(Platform.idle))
        house.hand.advance(Platform.idle - .microseconds(1))
        #expect(try await accounts.actor(sessionToken: token)?.user.email == "ada@example.com")
        house.hand.advance(Platform.idle)
        #expect(try await accounts.actor(sessionToken: token) == nil)
        house.hand.advance(.seconds(-600))
        #expect(try await accounts.actor(sessionToken: token) != nil)
    }

    @Test("use keeps a session alive, but not beyond its absolute end") func absolute() async throws {
        _ = try await house.admin()
        let (actor, token) = try await house.signIn()
        let end = try #require(actor.session?.expiresAt)
        #expect(end == house.hand.now.adding(Platform.absolute))
        while house.hand.now.adding(.seconds(1200)) < end {
            house.hand.advance(.seconds(1200))
            let session = try #require(try await accounts.actor(sessionToken: token)?.session)
            #expect(session.expiresAt == end)
            #expect(session.idleExpiresAt <= end)
        }
        house.hand.advance(.microseconds(end.microseconds - house.hand.now.microseconds - 1))
        #expect(try await accounts.actor(sessionToken: token) != nil)
        house.hand.advance(.microseconds(1))
        #expect(try await accounts.actor(sessionToken: token) == nil)
    }

    @Test("signing out ends this session at once and no other") func signOut() async throws {
        _ = try await house.admin()
        let (first, firstToken) = try await house.signIn()
        let (second, secondToken) = try await house.signIn()
        #expect(first.session?.id != second.session?.id)
        #expect(first.session?.csrfToken != second.session?.csrfToken)
        try await accounts.signOut(try #require(first.session))
        #expect(try await accounts.actor(sessionToken: firstToken) == nil)
        #expect(try await accounts.actor(sessionToken: secondToken)?.session?.csrfToken == second.session?.csrfToken)
    }

    @Test("at rest a session is a digest: the token lies in no byte of the files") func digest() async throws {
        _ = try await house.admin()
        let (actor, token) = try await house.signIn()
        let id = try #require(actor.session?.id)
        #expect(try house.isOnDisk(id.description))
        #expect(try !house.isOnDisk(token.exposed()))
        let stored = try await house.database.read { try $0.row("SELECT digest FROM sessions")?.text("digest") } ?? ""
        #expect(!stored.isEmpty)
        #expect(try await accounts.actor(sessionToken: Secret(stored)) == nil)
        try house.database.close()
        #expect(try house.isOnDisk(id.description))
        #expect(try !house.isOnDisk(token.exposed()))
    }

    @Test("another deployment's pepper finds no session, and neither does a changed token") func strangers()
        async throws
    {
        _ = try await house.admin()
        let token = try await house.signIn().1
        let other = try Platform.accounts(over: house.database, house.hand.clock, pepper: "other")
        #expect(try await other.actor(sessionToken: token) == nil)
        let text = token.exposed()
        for wrong in ["", String(text.dropLast()), text + "A", text.lowercased()] where wrong != text {
            #expect(try await accounts.actor(sessionToken: Secret(wrong)) == nil)
        }
    }

    @Test("a session may do what its user may") func scopes() async throws {
        _ = try await house.admin()
        _ = try await house.user("bob@example.com")
        #expect(try await house.signIn("ada@example.com").0.scopes == Set(Scope.allCases))
        let (bob, token) = try await house.signIn("bob@example.com")
        #expect(bob.scopes == Set(Scope.allCases.filter { !$0.needsAdmin }))
        #expect(try await accounts.actor(sessionToken: token)?.scopes == bob.scopes)
    }
}
