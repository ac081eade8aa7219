import Accounts
import Database
import Policy
import TestSupport
import Testing

/// Where the rights of operators end, and those of an account's own root users begin (ASVS 8.2.1).
@Suite("Operators and the people of accounts")
struct OperatorTests {
    private let house: AccountsHouse
    private let admin: User
    private let ada: User
    private var accounts: Accounts { house.accounts }

    init() async throws {
        house = try AccountsHouse()
        admin = try await house.admin("operator@example.com")
        ada = try await house.user("ada@example.com")
    }

    @Test("an operator invites the first user of an account, and nobody after") func inviting() async throws {
        let empty = try await accounts.create(AccountDraft(name: good("New"), cap: .standard), by: .test)
        let email: EmailAddress = try good("bob@example.com")
        for _ in 0..<2 {
            _ = try await accounts.invite(email, as: .root, to: empty.id, for: admin, by: .test)
        }
        await #expect(throws: AccountsError.accountHasUsers) {
            try await accounts.invite(email, as: .member, to: ada.account, for: admin, by: .test)
        }
        _ = try await accounts.invite(email, as: .member, to: ada.account, for: ada, by: .test)
    }

    @Test("an operator takes rights and people away, but makes nobody root in an account that has users") func roles()
        async throws
    {
        let bob = try await house.join(ada.account, "bob@example.com", as: .root)
        _ = try await accounts.setRole(.member, of: bob.id, in: ada.account, for: admin, by: .test)
        await #expect(throws: AccountsError.accountHasUsers) {
            try await accounts.setRole(.root, of: bob.id, in: ada.account, for: admin, by: .test)
        }
        _ = try await accounts.setRole(.root, of: bob.id, in: ada.account, for: ada, by: .test)
        try await accounts.remove(bob.id, from: ada.account, for: admin, by: .test)
        #expect(try await accounts.users(of: ada.account, Page()).items.map(\.id) == [ada.id])
    }

    @Test("who manages an account has no say over an operator in it") func operatorInAccount() async throws {
        let eve = try await house.join(admin.account, "eve@example.com", as: .root)
        await #expect(throws: AccountsError.adminOnly) {
            try await accounts.remove(admin.id, from: admin.account, for: eve, by: .test)
        }
        await #expect(throws: AccountsError.adminOnly) {
            try await accounts.setRole(.member, of: admin.id, in: admin.account, for: eve, by: .test)
        }
        #expect(try await accounts.users(of: admin.account, Page()).items.last?.role == .root)
    }

    @Test("the last operator stays, also of two who would be gone at once") func lastOperator() async throws {
        _ = try await house.join(admin.account, "eve@example.com", as: .root)
        await #expect(throws: AccountsError.lastAdmin) {
            try await accounts.remove(admin.id, from: admin.account, for: admin, by: .test)
        }
        let second = try await house.admin("second@example.com")
        _ = try await house.join(second.account, "mallory@example.com", as: .root)
        let house = house
        let gone = try await withThrowingTaskGroup(of: Bool.self) { group in
            for user in [admin, second] {
                group.addTask {
                    do {
                        try await house.accounts.remove(user.id, from: user.account, for: user, by: .test)
                        return true
                    } catch AccountsError.lastAdmin {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(gone == 1)
    }
}
