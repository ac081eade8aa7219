import Accounts
import Database
import TestSupport
import Testing
import Values

/// An account always has somebody who can manage it.
@Suite("The last root user")
struct LastRootTests {
    private let house: AccountsHouse
    private var accounts: Accounts { house.accounts }

    init() throws { house = try AccountsHouse() }

    private enum Act: CaseIterable {
        case demote
        case remove
    }

    /// - Parameter actor: `nil` for a root user of the same account.
    private func run(_ act: Act, on user: User, for actor: User? = nil) async throws {
        let actor = actor ?? .root(of: user.account)
        switch act {
        case .demote: _ = try await accounts.setRole(.member, of: user.id, in: user.account, for: actor, by: .test)
        case .remove: try await accounts.remove(user.id, from: user.account, for: actor, by: .test)
        }
    }

    private func roots(of account: Identifier) async throws -> [Identifier] {
        try await accounts.users(of: account, Page()).items.filter { $0.role == .root }.map(\.id)
    }

    @Test("the last root user can neither be removed nor made a member; members beside don't count") func last()
        async throws
    {
        let ada = try await house.user("ada@example.com")
        _ = try await house.join(ada.account, "bob@example.com", as: .member)
        for act in Act.allCases {
            await #expect(throws: AccountsError.lastRootUser) { try await run(act, on: ada) }
        }
        #expect(try await roots(of: ada.account) == [ada.id])
    }

    @Test("root users who were removed, and those of other accounts, don't count either") func goneAndElsewhere()
        async throws
    {
        let ada = try await house.user("ada@example.com")
        let bob = try await house.join(ada.account, "bob@example.com", as: .root)
        _ = try await house.user("eve@example.com")
        try await run(.remove, on: bob)
        for act in Act.allCases {
            await #expect(throws: AccountsError.lastRootUser) { try await run(act, on: ada) }
        }
    }

    @Test(
        "an operator takes out the last root user too, whose address is free; the next root is the operator's to name")
    func contested() async throws {
        let squatter = try await house.user("ada@example.com")
        let bob = try await house.join(squatter.account, "bob@example.com", as: .member)
        await #expect(throws: AccountsError.lastRootUser) { try await run(.demote, on: squatter, for: .operator) }
        try await run(.remove, on: squatter, for: .operator)
        #expect(try await roots(of: squatter.account) == [])
        let ada = try await house.user("ada@example.com")
        #expect(ada.account != squatter.account)
        // A member can't make themselves root; an operator makes one of them root, or invites one.
        for way in 0..<2 {
            let carol =
                way == 0 ? bob : try await house.join(squatter.account, "carol@example.com", as: .root, for: .operator)
            if way == 0 {
                _ = try await accounts.setRole(.root, of: bob.id, in: bob.account, for: .operator, by: .test)
            }
            #expect(try await roots(of: squatter.account) == [carol.id])
            await #expect(throws: AccountsError.accountHasUsers) {
                try await accounts.invite(
                    good("dan@example.com"), as: .root, to: squatter.account, for: .operator, by: .test)
            }
            try await run(.remove, on: carol, for: .operator)
        }
    }

    @Test("with a second root user the first may go") func second() async throws {
        let ada = try await house.user("ada@example.com")
        let bob = try await house.join(ada.account, "bob@example.com", as: .member)
        _ = try await accounts.setRole(.root, of: bob.id, in: bob.account, for: ada, by: .test)
        try await run(.demote, on: ada)
        #expect(try await roots(of: ada.account) == [bob.id])
        try await run(.remove, on: ada)
        #expect(try await roots(of: ada.account) == [bob.id])
    }

    @Test("of two who would be gone at once, one stays") func race() async throws {
        let ada = try await house.user("ada@example.com")
        let pairs = Act.allCases.flatMap { first in Act.allCases.map { (first, $0) } }
        var first = ada
        for round in 0..<8 {
            let second = try await house.join(ada.account, "root\(round)@example.com", as: .root)
            let acts = pairs[round % pairs.count]
            let (one, other) = (first, second)
            async let firstGone = isDone(acts.0, on: one)
            async let secondGone = isDone(acts.1, on: other)
            let gone = try await [firstGone, secondGone]
            #expect(gone.filter(\.self).count == 1, "round \(round)")
            let left = gone[0] ? other : one
            #expect(try await roots(of: ada.account) == [left.id], "round \(round)")
            first = left
        }
    }

    private func isDone(_ act: Act, on user: User) async throws -> Bool {
        do {
            try await run(act, on: user)
            return true
        } catch AccountsError.lastRootUser {
            return false
        }
    }
}
