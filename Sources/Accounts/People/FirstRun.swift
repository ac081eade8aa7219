package import Audit
import Secrets
package import Values

/// How the first admin is made on an empty database: with a one-time token that only the operator's terminal shows.
///
/// The token is only in memory. It ends with the process or with the first user. So there is no default account, and
/// nothing to find on disk.
package struct FirstRun: Sendable {
    private let accounts: Accounts
    private let token: Secret

    /// `nil` when somebody has been here before.
    package init?(_ accounts: Accounts) async throws {
        guard try await accounts.isEmpty() else { return nil }
        self.accounts = accounts
        token = try TokenFormat(prefix: TokenKind.setUpToken.prefix, keys: accounts.parts.keys).mint(
            accounts.parts.entropy
        ).secret
    }

    /// For the operator's terminal.
    package func exposedToken() -> String { token.exposed() }

    /// Whether nobody has come in yet.
    package func isOpen() async throws -> Bool { try await accounts.isEmpty() }

    /// Creates the first admin. `nil` when the token is wrong.
    package func setUp(
        token presented: String, email: EmailAddress, password: Password, accountName: DisplayName, by author: Author
    ) async throws -> User? {
        guard token.isSame(as: Secret(presented)) else { return nil }
        return try await accounts.createAdmin(
            email: email, password: password, accountName: accountName, onlyFirst: true, by: author)
    }
}
