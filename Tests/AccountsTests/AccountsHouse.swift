import Accounts
import Catalog
import Database
import Policy
import Secrets
import TestSupport
import Values

@testable import Audit

/// Accounts over a database file of their own, at noon of a day in June. Goes, with its folder, when the suite
/// that holds it goes.
final class AccountsHouse: House, Sendable {
    let platform: Platform

    init() throws { platform = try Platform(at: Timestamp(microseconds: 1_780_315_200_000_000)) }

    /// An account and its root user with the admin flag.
    func admin(_ email: String = "ada@example.com", password: String = goodPassword) async throws -> User {
        try await accounts.createAdmin(
            email: good(email), password: good(password), accountName: good("Operators"), onlyFirst: false, by: .test)
    }

    /// An account and its root user, who is no admin.
    func user(_ email: String = "bob@example.com") async throws -> User {
        let account = try await accounts.create(AccountDraft(name: good("Tenant"), cap: .standard), by: .test)
        let (_, token) = try await accounts.invite(good(email), as: .root, to: account.id, for: .operator, by: .test)
        return try await accounts.accept(invitation: token.exposed(), password: good(goodPassword), by: .test)
    }

    func signIn(
        _ email: String = "ada@example.com", _ password: String = goodPassword, from peer: String = "192.0.2.1"
    ) async throws -> (Actor, Secret) {
        try await accounts.signIn(
            email: good(email), Proof(password: good(password), code: nil), from: IPAddress(peer), by: .test)
    }
}

let goodPassword = "seven green boats at dawn"
