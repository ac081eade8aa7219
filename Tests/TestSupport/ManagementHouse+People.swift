package import Accounts
package import Management
import Policy
package import Secrets
package import Values

/// People come in the way that people do, with passwords that are hashed and tokens that are read back.
extension ManagementHouse {
    package static let password = "seven green boats at dawn"

    package var nobody: Caller { management.stranger(at: Self.address) }

    private static var address: IPAddress? { IPAddress("192.0.2.1") }

    /// The operators' account, with the admin whom everybody else comes after.
    package func operators() async throws -> User {
        try await accounts.createAdmin(
            email: good("olga@operators.example"), password: good(Self.password), accountName: good("Operators"),
            onlyFirst: true, by: .test)
    }

    /// Another account, with its root user.
    package func tenant(_ name: String, for admin: User) async throws -> User {
        let account = try await accounts.create(AccountDraft(name: good(name), cap: .standard), by: .test)
        return try await join(account.id, "root@\(name.lowercased()).example", as: .root, for: admin)
    }

    /// - Parameter host: who may invite them.
    package func join(_ account: Identifier, _ email: String, as role: Role, for host: User) async throws -> User {
        let (_, token) = try await accounts.invite(good(email), as: role, to: account, for: host, by: .test)
        return try await accounts.accept(invitation: token.exposed(), password: good(Self.password), by: .test)
    }

    /// Somebody who has just signed in.
    package func session(of user: User) async throws -> Caller {
        let opened = try await management.createSession(
            nobody, email: good(user.email), Proof(password: good(Self.password), code: nil))
        return management.caller(
            try await management.actor(.session(opened.token), from: Self.address), at: Self.address)
    }

    /// A new platform token.
    package func token(_ scopes: [Scope], of user: User) async throws -> Secret {
        try await accounts.issueToken(name: good("tool"), scopes: scopes, expiresAt: nil, for: user, by: .test).1
    }

    /// Whom a platform token speaks for now.
    package func caller(by token: Secret) async throws -> Caller {
        management.caller(
            try await management.actor(.platformToken(token.exposed()), from: Self.address), at: Self.address)
    }
}
