package import Values

/// A ``RevealPrivateKey`` at rest: sealed under a key that takes the password, the pepper and the master key to derive.
///
/// So showing a secret again needs the password by construction. Argon2id makes a guess here as expensive as a guess at
/// the password's hash. The salt is another one than that of the hash, so the tag in the hash does not open this. If
/// the password is forgotten, the copies are lost.
///
/// Written as `v1$m=19456,t=2,p=1$<salt>$<sealed>`, the salt in base64 without padding, the key as ``SealingBox``
/// writes it. Read strictly, one spelling for one value. Printing it shows nothing: ``text`` is for the database alone.
package struct LockedRevealPair: Sendable, CustomStringConvertible, CustomReflectable {
    private let parameters: Argon2Parameters
    private let salt: [UInt8]
    private let sealed: String

    /// `nil` also where the parameters are below the floor or beyond what any deployment could have written: what they
    /// cost is decided before anyone knows whether the password is right.
    package init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "v1", let numbers = Argon2Parameters(unchecked: parts[1]),
            let parameters = try? Argon2Parameters(
                memoryKiB: numbers.memoryKiB, iterations: numbers.iterations, parallelism: numbers.parallelism),
            let salt = Base64.decode(parts[2]), salt.count == Self.saltLength,
            SealingBox.length(of: parts[3]) == RevealPrivateKey.length
        else { return nil }
        self.init(parameters, salt, String(parts[3]))
    }

    private init(_ parameters: Argon2Parameters, _ salt: [UInt8], _ sealed: String) {
        self.parameters = parameters
        self.salt = salt
        self.sealed = sealed
    }

    package var text: String { "v1$\(parameters.text)$\(Base64.encode(salt))$\(sealed)" }

    /// Locks a key under a password, with the pool's own parameters and a new salt.
    /// - Parameter owner: whose key it is. It is part of what the lock is derived from: put in another's place, it does
    ///   not open.
    package static func lock(
        _ key: RevealPrivateKey, password: Secret, of owner: String, pool: Argon2Pool, share: Share,
        keys: DeploymentSecrets, entropy: Entropy
    ) async throws(Argon2Failure) -> LockedRevealPair {
        let salt = entropy.bytes(saltLength)
        let tag = try await pool.tag(of: password, salt: salt, parameters: pool.parameters, for: share)
        let box = keys.revealBox(passwordTag: tag, owner: owner)
        return LockedRevealPair(pool.parameters, salt, box.seal(key.secret, context: context, entropy: entropy))
    }

    /// - Throws: `SealingError` when password, owner, pepper or master key is another, `Argon2Failure` when it couldn't
    ///   be tried.
    package func unlock(
        password: Secret, of owner: String, pool: Argon2Pool, share: Share, keys: DeploymentSecrets
    ) async throws -> RevealPrivateKey {
        let tag = try await pool.tag(of: password, salt: salt, parameters: parameters, for: share)
        let secret = try keys.revealBox(passwordTag: tag, owner: owner).open(sealed, context: Self.context)
        guard let key = RevealPrivateKey(secret) else { throw SealingError() }
        return key
    }

    /// Whether it was locked with other parameters than today's. Left so, it would be the cheaper way to the password
    /// than a hash that was made anew.
    package func needsRelock(_ pool: Argon2Pool) -> Bool { parameters != pool.parameters }

    package var description: String { "‹locked reveal key›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    private static let saltLength = 16
    private static let context = "reveal key"
}
