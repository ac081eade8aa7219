import Crypto
import Glibc
package import Values

/// The two keys of a deployment, 32 bytes each, and all that is derived from them (HKDF-SHA256, RFC 5869).
///
/// The master key seals what must be read again; the pepper goes into every hash. They are kept apart from the
/// database, so that a stolen database alone opens nothing.
package struct DeploymentSecrets: Sendable, CustomStringConvertible, CustomReflectable {
    package let pepper: Secret
    package let sealing: SealingBox
    /// For what is sealed by the million: random nonces wear a key out (NIST SP 800-38D §8.3), and this one may.
    package let bulkSealing: SealingBox
    /// Makes and checks the keyed tag in tokens.
    let tagKey: SymmetricKey
    package let auditChain: AuditChain
    package let pagePasses: PagePasses
    private let csrfKey: SymmetricKey
    private let lookupKey: SymmetricKey
    private let revealKey: SymmetricKey

    /// A text to keep beside the data: the same only for the same two keys, and telling nothing about them.
    package let fingerprint: String
    /// What the operator should know about who may read the key files, a sentence each.
    package let remarks: [String]

    /// Says what this is, and nothing of it.
    package var description: String { "‹deployment keys›" }
    /// No children.
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    package init(master: Secret, pepper: Secret, remarks: [String] = []) {
        self.pepper = pepper
        self.remarks = remarks
        sealing = SealingBox(key: Self.derive(master, "latchkey sealing v1"))
        bulkSealing = SealingBox(key: Self.derive(master, "latchkey bulk sealing v1"))
        tagKey = Self.derive(pepper, "latchkey token tag v1")
        auditChain = AuditChain(key: Self.derive(master, "latchkey audit v1"))
        pagePasses = PagePasses(key: Self.derive(master, "latchkey page pass v1"))
        csrfKey = Self.derive(master, "latchkey csrf v1")
        lookupKey = Self.derive(pepper, "latchkey lookup v1")
        revealKey = Self.derive(master, "latchkey reveal v1")
        var check = HMAC<SHA256>(key: Self.derive(master, "latchkey fingerprint v1"))
        Self.derive(pepper, "latchkey fingerprint v1").withUnsafeBytes { check.update(data: $0) }
        fingerprint = "v1." + Base64.encode(check.finalize(), forAddress: true)
    }

    /// What a page of a session must send back: only who knows the master key can make it.
    package func csrfToken(for sessionID: String) -> String {
        Base64.encode(HMAC<SHA256>.authenticationCode(for: Array(sessionID.utf8), using: csrfKey), forAddress: true)
    }

    /// How a random, short-lived token is kept: a keyed digest that can be looked up, and that a stolen database can't
    /// be searched for. The purpose keeps a token of one kind from being taken for another.
    package func lookupDigest(of secret: Secret, purpose: String) -> String {
        var digest = HMAC<SHA256>(key: lookupKey)
        digest.update(data: Array(purpose.utf8) + [0])
        secret.withBytes { digest.update(data: $0) }
        return Base64.encode(digest.finalize(), forAddress: true)
    }

    /// For what a password opens: under a key that takes the tag of the password and the master key to derive, and that
    /// is another for each owner. HKDF is made for a secret as its salt too (RFC 5869 §3.1).
    func revealBox(passwordTag: Secret, owner: String) -> SealingBox {
        let input = passwordTag.withBytes { SymmetricKey(data: $0) }
        let key = revealKey.withUnsafeBytes { salt in
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: input, salt: salt, info: Array(owner.utf8), outputByteCount: 32)
        }
        return SealingBox(key: key)
    }

    private static func derive(_ secret: Secret, _ purpose: String) -> SymmetricKey {
        let input = secret.withBytes { SymmetricKey(data: $0) }
        return HKDF<SHA256>.deriveKey(inputKeyMaterial: input, info: Array(purpose.utf8), outputByteCount: 32)
    }
}

/// Where one of the two keys comes from.
package enum KeySource: Sendable {
    /// The data directory, where the first start puts it.
    case directory
    case file(String)
    /// Base64 text of 32 bytes, and where it was given, for an error.
    case value(Secret, from: String)
}

/// Why the keys can't be had. The sentences name places, never content.
package enum DeploymentSecretsError: Error, Sendable, Equatable {
    case missing(path: String)
    case malformed(source: String)
    /// The same of a key that a setting holds itself.
    case malformedSetting(String)
    case unreadable(path: String, code: Int32)
    /// Others than the owner may read the file.
    case tooOpen(path: String)

    package var sentence: String {
        switch self {
        case .missing(let path):
            "The key file \(path) is missing, but there is data that was made with it. Put it back from your copy of the "
                + "keys; a backup of the database has none."
        case .malformed(let source): "The key in \(source) must be the base64 text of 32 bytes."
        case .malformedSetting(let name): "The setting \(name) must be the base64 text of 32 bytes."
        case .unreadable(let path, let code): "The key file \(path) can't be used: \(String(cString: strerror(code)))."
        case .tooOpen(let path):
            "The key file \(path) can be read or written by others. Make it its owner's alone (chmod 600), or of root and "
                + "readable by a group of this process (chmod 440), or mount it read-only."
        }
    }
}

extension DeploymentSecrets {
    /// Loads both keys; on the first start makes those that come from the directory.
    /// - Parameter createIfMissing: only for a directory without data. For data that is there, new keys would open
    ///   nothing.
    package static func load(
        master: KeySource, pepper: KeySource, directory: String, createIfMissing: Bool, entropy: Entropy
    ) throws(DeploymentSecretsError) -> DeploymentSecrets {
        func key(
            _ source: KeySource, _ name: String
        ) throws(DeploymentSecretsError) -> (key: Secret, remark: String?) {
            switch source {
            case .value(let text, let origin): return (try decode(text, orThrow: .malformedSetting(origin)), nil)
            case .file(let path): return try KeyFile(path).read()
            case .directory:
                let file = KeyFile("\(directory)/\(name).key")
                if createIfMissing, !file.exists { try file.create(entropy) }
                return try file.read(isOurs: true)
            }
        }
        let (master, pepper) = (try key(master, "master"), try key(pepper, "pepper"))
        return DeploymentSecrets(
            master: master.key, pepper: pepper.key, remarks: [master.remark, pepper.remark].compactMap { $0 })
    }

    static func decode(
        _ text: Secret, orThrow error: DeploymentSecretsError
    ) throws(DeploymentSecretsError) -> Secret {
        let words = text.exposed().split { $0.isWhitespace }
        // 32 bytes are 43 letters, with or without the one "=" that makes them 44.
        guard words.count == 1, let word = words.first, let bytes = Base64.decode(word.prefix(43)), bytes.count == 32,
            word.utf8.count == 43 || (word.utf8.count == 44 && word.hasSuffix("="))
        else {
            throw error
        }
        return Secret(bytes)
    }
}
