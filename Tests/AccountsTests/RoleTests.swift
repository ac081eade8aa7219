import Audit
import Database
import Secrets
import TestSupport
import Testing
import Values

@testable import Accounts

/// What each role may do, weighed anew at every call (ASVS 8.2.1, 8.3.2).
@Suite("Roles and rights")
struct RoleTests {
    private let house: AccountsHouse
    private var accounts: Accounts { house.accounts }

    init() throws { house = try AccountsHouse() }

    private static let forAdmins: Set<Scope> = [
        .catalogWrite, .accountsRead, .accountsWrite, .creditsWrite, .healthRead,
    ]
    private static let forRoots: Set<Scope> = [
        .applicationsWrite, .applicationsDelete, .credentialsWrite, .credentialsDelete, .credentialsRotate,
        .credentialsVerify, .usersWrite, .auditRead,
    ]
    private static let forAll: Set<Scope> = [
        .applicationsRead, .credentialsRead, .usersRead, .catalogRead, .tokensRead, .usageRead,
    ]

    /// The scopes that are open to a user of this kind.
    private static func open(_ role: Role, isAdmin: Bool) -> Set<Scope> {
        // Operators read the record of what is done, whatever they are in an account of theirs.
        forAll.union(role == .root ? forRoots : []).union(isAdmin ? forAdmins.union([.auditRead]) : [])
    }

    @Test(
        "each scope is open to whom the contract says, and to nobody else",
        arguments: Role.allCases, [false, true])
    func scopes(role: Role, isAdmin: Bool) {
        let id = Identifier(at: house.hand.now, random: (1, 2))
        let user = User(
            id: id, account: id, email: "ada@example.com", role: role, isAdmin: isAdmin, hasSecondFactor: false,
            createdAt: house.hand.now)
        #expect(Set(Scope.allCases.filter { $0.isOpen(to: user) }) == Self.open(role, isAdmin: isAdmin))
        #expect(Self.forAll.union(Self.forRoots).union(Self.forAdmins) == Set(Scope.allCases))
    }

    @Test("a change of role binds the next call of a session and of a token, both ways") func roleBinds() async throws {
        let ada = try await house.user("ada@example.com")
        let bob = try await house.join(ada.account, "bob@example.com", as: .root)
        let entered = try await house.enter(bob)
        let (_, secret) = try await accounts.issueToken(
            name: good("ci"), scopes: [.credentialsRead, .credentialsWrite, .auditRead], expiresAt: nil, for: bob,
            by: .test)
        func scopes() async throws -> [Set<Scope>?] {
            [
                try await accounts.actor(sessionToken: entered.token)?.scopes,
                try await accounts.actor(platformToken: secret.exposed())?.scopes,
            ]
        }
        let asRoot: [Set<Scope>?] = [
            Self.open(.root, isAdmin: false), [.credentialsRead, .credentialsWrite, .auditRead],
        ]
        #expect(try await scopes() == asRoot)
        let changed = try await accounts.setRole(.member, of: bob.id, in: bob.account, for: .operator, by: .test)
        #expect(changed.role == .member)
        #expect(try await scopes() == [Self.open(.member, isAdmin: false), [.credentialsRead]])
        _ = try await accounts.setRole(.root, of: bob.id, in: bob.account, for: ada, by: .test)
        #expect(try await scopes() == asRoot)
    }

    @Test("a member creates tokens with what a member may, and with nothing else") func memberTokens() async throws {
        let ada = try await house.user("ada@example.com")
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        for scope in Scope.allCases {
            func issue() async throws {
                _ = try await accounts.issueToken(
                    name: good("t"), scopes: [.catalogRead, scope], expiresAt: nil, for: bob, by: .test)
            }
            if Self.forAdmins.contains(scope) {
                await #expect(throws: AccountsError.adminScopes([scope])) { try await issue() }
            } else if Self.forRoots.contains(scope) {
                await #expect(throws: AccountsError.rootScopes([scope])) { try await issue() }
            } else {
                try await issue()
            }
        }
        #expect(try await accounts.tokens(of: bob.id, Page()).items.count == Self.forAll.count)
    }

    @Test("whoever joins has the role of the invitation, and an account's people are listed to it alone")
    func joining() async throws {
        let ada = try await house.user("ada@example.com")
        house.hand.advance(.seconds(1))
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        let eve = try await house.user("eve@example.com")
        #expect(bob.role == .member)
        #expect(!bob.isAdmin)
        let people = try await accounts.users(of: ada.account, Page()).items
        #expect(people.map(\.id) == [bob.id, ada.id])
        #expect(people.map(\.role) == [.member, .root])
        #expect(try await accounts.users(of: eve.account, Page()).items.map(\.id) == [eve.id])
        let nowhere = Identifier(at: house.hand.now, random: (7, 7))
        await #expect(throws: AccountsError.notFound) { try await accounts.users(of: nowhere, Page()) }
    }

    @Test("to say the role that somebody has is no change and no entry; another account's user is not found")
    func noChange() async throws {
        let ada = try await house.user("ada@example.com")
        let eve = try await house.user("eve@example.com")
        let before = try await house.actions().count
        #expect(try await accounts.setRole(.root, of: ada.id, in: ada.account, for: .operator, by: .test).role == .root)
        await #expect(throws: AccountsError.notFound) {
            try await accounts.setRole(.member, of: ada.id, in: eve.account, for: .operator, by: .test)
        }
        await #expect(throws: AccountsError.notFound) {
            try await accounts.remove(ada.id, from: eve.account, for: .operator, by: .test)
        }
        #expect(try await house.actions().count == before)
    }
}
