import Accounts
import Applications
import Audit
import Credentials
import Database
import Policy
import Secrets
import TestSupport
import Testing
import Values

/// Closing an account ends all that works in it, in one transaction, and keeps what happened.
@Suite("Closing an account")
struct ClosingTests {
    private let house: KeysHouse
    private let bob: User
    private let app: Identifier

    init() async throws {
        house = try await KeysHouse()
        bob = try await house.bob()
        app = try await house.app("Dog", of: bob).id
    }

    private func issue(until end: Timestamp? = nil) async throws -> String {
        let draft = CredentialDraft(application: app, name: .empty, terms: KeyTerms(expiresAt: end))
        return try await house.credentials.issue(draft, by: bob, .test).1.exposed()
    }

    private func close(confirmed: Bool = true, for actor: User? = nil) async throws {
        try await house.credentials.closeAccount(
            bob.account, confirmed: confirmed, for: actor ?? house.ada, by: .test)
    }

    @Test("keys are refused from the very next call on, in this process and after a restart") func keys() async throws {
        let keys = [try await issue(), try await issue()]
        let others = try await house.issue().key
        for key in keys { #expect(try await house.opens(key)) }
        try await close()
        for key in keys {
            #expect(try await !house.opens(key))
            #expect(try await !house.opens(key, with: house.restarted()))
        }
        #expect(try await house.opens(others))
        let account = try await house.accounts.account(bob.account)
        #expect(account.isSuspended)
        #expect(account.closedAt == house.hand.now)
        #expect(try await house.accounts.opened(bob.account)?.isSuspended == true)
    }

    @Test("nothing that opens anything is left, and the rows that history names are") func atRest() async throws {
        _ = try await issue()
        try await close()
        let left = try await house.database.read { [bob] connection in
            try [
                "SELECT count(*) AS n FROM users WHERE account_id = $1 AND (password_phc <> '' OR removed_at IS NULL)",
                "SELECT count(*) AS n FROM credentials WHERE account_id = $1 AND (phc IS NOT NULL OR deleted_at IS NULL)",
                "SELECT count(*) AS n FROM applications WHERE account_id = $1 AND (deleted_at IS NULL OR model IS NOT NULL)",
                "SELECT count(*) AS n FROM invitations WHERE account_id = $1",
                "SELECT 1 - count(*) AS n FROM accounts WHERE id = $1",
            ].map { try connection.row($0, bob.account)?.integer("n") }
        }
        #expect(left == [0, 0, 0, 0, 0])
        #expect(try await house.accounts.everyone(of: bob.account) == [bob.id])
    }

    @Test("with keys, live or expired, or people it takes a word; what is refused has changed nothing") func confirmed()
        async throws
    {
        let key = try await issue()
        _ = try await issue(until: house.hand.now.adding(.seconds(1)))
        house.hand.advance(.seconds(2))
        await #expect(throws: CredentialsError.closingUnconfirmed(keys: 2, users: 1)) {
            try await close(confirmed: false)
        }
        #expect(try await house.opens(key))
        let empty = try await house.accounts.create(AccountDraft(name: good("Empty"), cap: .standard), by: .test)
        try await house.credentials.closeAccount(empty.id, confirmed: false, for: house.ada, by: .test)
        #expect(try await house.accounts.account(empty.id).closedAt != nil)
    }

    @Test("twice is as once; an absent account is not found; one's own can't be closed") func which() async throws {
        try await close()
        let count = try await house.entries().count
        try await close(confirmed: false)
        #expect(try await house.entries().count == count)
        let absent = Identifier(at: house.hand.now, random: (1, 1))
        await #expect(throws: AccountsError.notFound) {
            try await house.credentials.closeAccount(absent, confirmed: true, for: house.ada, by: .test)
        }
        await #expect(throws: AccountsError.ownAccount) {
            try await house.credentials.closeAccount(house.ada.account, confirmed: true, for: house.ada, by: .test)
        }
    }

    @Test("an account with the last admin stays, though somebody who was an admin asks") func lastAdmin() async throws {
        await #expect(throws: AccountsError.lastAdmin) {
            try await house.credentials.closeAccount(house.ada.account, confirmed: true, for: bob, by: .test)
        }
        #expect(try await house.accounts.account(house.ada.account).closedAt == nil)
    }

    @Test("whoever was let in before it was closed makes nothing in it any more") func underWay() async throws {
        let (actor, session) = try await house.enter(bob, "eight blue kites at noon")
        try await close()
        await #expect(throws: CredentialsError.noSuchApplication) { try await issue() }
        await #expect(throws: ApplicationsError.accountClosed) { try await house.app("Fox", of: bob) }
        await #expect(throws: AccountsError.accountClosed) {
            try await house.accounts.invite(good("eve@example.com"), as: .root, to: bob.account, for: bob, by: .test)
        }
        await #expect(throws: AccountsError.sessionEnded) {
            try await house.accounts.issueToken(
                name: good("t"), scopes: [.catalogRead], expiresAt: nil, for: bob, by: .test)
        }
        await #expect(throws: AccountsError.sessionEnded) {
            try await house.accounts.reauthenticate(
                actor, session, Proof(password: good("eight blue kites at noon"), code: nil), from: nil, by: .test)
        }
        await #expect(throws: AccountsError.accountClosed) {
            try await house.accounts.edit(bob.account, AccountEdit(), by: .test)
        }
    }

    @Test("of those who close and those who create at once, none leaves a key that lives") func race() async throws {
        let house = house
        for round in 0..<6 {
            let account = try await house.accounts.create(
                AccountDraft(name: good("Round \(round)"), cap: .standard), by: .test)
            let (_, token) = try await house.accounts.invite(
                good("r\(round)@example.com"), as: .root, to: account.id, for: house.ada, by: .test)
            let user = try await house.accounts.accept(
                invitation: token.exposed(), password: good(goodPassword), by: .test)
            let app = try await house.app("App", of: user).id
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        let draft = CredentialDraft(application: app, name: .empty, terms: KeyTerms())
                        _ = try? await house.credentials.issue(draft, by: user, .test)
                        if number == 0 { _ = try? await house.app("Late", of: user) }
                    }
                }
                group.addTask {
                    try? await Task.sleep(for: .milliseconds(round * 15))
                    try? await house.credentials.closeAccount(
                        account.id, confirmed: true, for: house.ada, by: .test)
                }
            }
            let left = try await house.database.read { connection in
                try ["credentials", "applications"].map {
                    try connection.row(
                        "SELECT count(*) AS n FROM \($0) WHERE account_id = $1 AND deleted_at IS NULL", account.id
                    )?.integer("n")
                }
            }
            #expect(left == [0, 0], "round \(round)")
        }
    }
}
