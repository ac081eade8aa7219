package import Database
package import Secrets
package import Values

/// Tenants, the people in them, and the ways they prove who they are.
///
/// An account is a tenant. A user is a person who signs in to one account: a root user manages it, a member only reads.
/// Some users are admins: they operate the deployment. This room owns accounts, users, invitations, sessions, second
/// factors, password resets and platform tokens, and the tables of these names. It must not know an app or a key.
/// Each of its nouns has a folder: `Tenants`, `People`, `Proofs` (passwords, second factors and all else that people prove
/// who they are with), `Sessions` and `PlatformTokens`.
///
/// How each secret is stored: passwords and platform tokens as Argon2id, because they live long. Session tokens,
/// invitations, resets and recovery codes as a keyed digest, because they are random and are looked up by their value.
/// The secret of a second factor is sealed, because it must be read again. Each user has a key pair for revealing API
/// keys. Its private key is locked with the user's password, so that nobody opens the sealed copies without the
/// password.
package struct Accounts: Sendable {
    /// How long sign-ins last (NIST SP 800-63B-4 §2.2.3 allows a day and an hour idle at AAL2).
    package struct SessionLimits: Sendable {
        package var idle: Duration
        package var absolute: Duration

        package init(idle: Duration, absolute: Duration) {
            self.idle = idle
            self.absolute = absolute
        }
    }

    /// What the rules of this room work with.
    package struct Parts: Sendable {
        let database: Database
        let keys: DeploymentSecrets
        let argon2: Argon2Pool
        let tokenArgon2: Argon2Pool
        let sessions: SessionLimits
        let generations: Generations
        let entropy: Entropy
        let clock: Clock

        /// - Parameters:
        ///   - argon2: for what anybody can ask for, such as a sign-in.
        ///   - tokenArgon2: for checking tokens. Apart from the other, so that a flood of sign-ins holds nobody's tools
        ///     up.
        ///   - generations: the deployment's one.
        package init(
            database: Database, keys: DeploymentSecrets, argon2: Argon2Pool, tokenArgon2: Argon2Pool,
            sessions: SessionLimits, generations: Generations, entropy: Entropy, clock: Clock
        ) {
            self.database = database
            self.keys = keys
            self.argon2 = argon2
            self.tokenArgon2 = tokenArgon2
            self.sessions = sessions
            self.generations = generations
            self.entropy = entropy
            self.clock = clock
        }

        func newID(at time: Timestamp) -> Identifier { Identifier(at: time, random: (entropy.word(), entropy.word())) }
    }

    let parts: Parts
    let throttle = SignInThrottle()
    /// Wrong codes, for each user from wherever: only who has the password gets as far as that.
    let codeThrottle = SignInThrottle()
    let platformTokens: TokenFormat
    let invitations: TokenFormat
    let resets: TokenFormat
    let verifier: TokenVerifier
    /// A hash for users who don't exist, as text: what is read for those who do is one too.
    let decoy: String
    let held: ReadThrough<Identifier, Account>

    package init(_ parts: Parts) throws {
        self.parts = parts
        platformTokens = try TokenFormat(prefix: TokenKind.platformToken.prefix, keys: parts.keys)
        invitations = try TokenFormat(prefix: TokenKind.invitation.prefix, keys: parts.keys)
        resets = try TokenFormat(prefix: TokenKind.passwordReset.prefix, keys: parts.keys)
        held = ReadThrough(capacity: 20_000) { [database = parts.database] id in
            try await database.read { try AccountTable.find(id, $0) }
        }
        decoy = parts.argon2.decoy.text
        verifier = TokenVerifier(pool: parts.tokenArgon2, capacity: 10_000, entropy: parts.entropy)
    }
}
