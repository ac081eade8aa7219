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
    private let csrfKey: SymmetricKey
    private let lookupKey: SymmetricKey
    private let revealKey: SymmetricKey

    /// A text to keep beside the data: the same only for the same two keys, and telling nothing about them. It also
    /// says that the audit record of the data has its chain, which nobody without the keys can so take back.
    package let fingerprint: String
    /// What a release without that chain has kept in its place.
    package let unchainedFingerprint: String

    /// Says what this is, and nothing of it.
    package var description: String { "‹deployment keys›" }
    /// No children.
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    package init(master: Secret, pepper: Secret) {
        self.pepper = pepper
        sealing = SealingBox(key: Self.derive(master, "latchkey sealing v1"))
        bulkSealing = SealingBox(key: Self.derive(master, "latchkey bulk sealing v1"))
        tagKey = Self.derive(pepper, "latchkey token tag v1")
        auditChain = AuditChain(key: Self.derive(master, "latchkey audit v1"))
        csrfKey = Self.derive(master, "latchkey csrf v1")
        lookupKey = Self.derive(pepper, "latchkey lookup v1")
        revealKey = Self.derive(master, "latchkey reveal v1")
        var check = HMAC<SHA256>(key: Self.derive(master, "latchkey fingerprint v1"))
        Self.derive(pepper, "latchkey fingerprint v1").withUnsafeBytes { check.update(data: $0) }
        unchainedFingerprint = "v1." + Base64.encode(check.finalize(), forAddress: true)
        check.update(data: Array("audit chain".utf8))
        fingerprint = "v2." + Base64.encode(check.finalize(), forAddress: true)
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
            "The key file \(path) is missing, but there is data that was made with it. Put it back from your backup."
        case .malformed(let source): "The key in \(source) must be the base64 text of 32 bytes."
        case .malformedSetting(let name): "The setting \(name) must be the base64 text of 32 bytes."
        case .unreadable(let path, let code): "The key file \(path) can't be used: \(String(cString: strerror(code)))."
        case .tooOpen(let path): "The key file \(path) must be readable by its owner alone (chmod 600)."
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
        func key(_ source: KeySource, _ name: String) throws(DeploymentSecretsError) -> Secret {
            switch source {
            case .value(let text, let origin): return try decode(text, orThrow: .malformedSetting(origin))
            case .file(let path): return try KeyFile(path).read()
            case .directory:
                let file = KeyFile("\(directory)/\(name).key")
                if createIfMissing, !file.exists { try file.create(entropy) }
                return try file.read()
            }
        }
        return DeploymentSecrets(master: try key(master, "master"), pepper: try key(pepper, "pepper"))
    }

    fileprivate static func decode(
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

/// One key in a file of its own: one line of base64, mode 0600.
private struct KeyFile {
    let path: String

    init(_ path: String) { self.path = path }

    var exists: Bool { access(path, F_OK) == 0 }

    /// Written in full and synced, with its name in the directory, before anything is hashed with it: a key lost in a
    /// power cut would take all data with it.
    func create(_ entropy: Entropy) throws(DeploymentSecretsError) {
        // Under another name until it is whole: a crash in between would leave an empty file that no start can read.
        let draft = "\(path).\(String(entropy.word(), radix: 16))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .unreadable(path: path, code: errno) }
        defer { unlink(draft) }
        defer { close(file) }
        let line = Secret(Base64.encode(entropy.bytes(32)) + "\n")
        let isWritten = line.withBytes { write(file, $0.baseAddress, $0.count) == $0.count } && fsync(file) == 0
        guard isWritten else { throw .unreadable(path: path, code: errno) }
        // Unlike `rename`, `link` never takes the place of a key that is already there.
        guard link(draft, path) == 0 else { throw .unreadable(path: path, code: errno) }
        let folder = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw .unreadable(path: path, code: errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw .unreadable(path: path, code: errno) }
    }

    func read() throws(DeploymentSecretsError) -> Secret {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, code: errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .unreadable(path: path, code: errno) }
        guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw .unreadable(path: path, code: errno) }
        return try DeploymentSecrets.decode(Secret(Array(bytes.prefix(count))), orThrow: .malformed(source: path))
    }
}
