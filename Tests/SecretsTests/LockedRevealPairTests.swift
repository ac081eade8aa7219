import Testing
import Values

@testable import Secrets

struct LockedRevealPairTests {
    /// The least that a text may say: some hundredths of a second.
    private static let least = Argon2Parameters(unchecked: 7168, 5, 1)
    /// Written by another implementation (Python's Argon2id, HKDF and AES-GCM) from the same two keys: the private key of
    /// the bytes 0 to 31, of "account:1", under "correct horse".
    private static let known = "v1$m=7168,t=5,p=1$c2l4dGVlbi5zYWx0LjE2Yg$\(sealed)"
    private static let sealed =
        "v1.AAECAwQFBgcICQoLw585-xfBIBux7qjg6FLNy1Y47KUf05XaHin8aKfXVXKB05DapUfN-whd2Py24_Os"

    private let key = RevealPrivateKey.generate(.seeded(1))
    private let password = Secret("correct horse")
    private let keys = Samples.keys

    private func lock(_ pool: Argon2Pool) async throws -> LockedRevealPair {
        try await .lock(
            key, password: password, of: "account:1", pool: pool, share: .deployment, keys: keys, entropy: .system)
    }

    @Test("the password opens what it locked, also after it was written down")
    func roundTrip() async throws {
        let pool = Argon2Pool.sample(parameters: Self.least)
        defer { pool.shutdown() }
        let locked = try await lock(pool)
        let read = try #require(LockedRevealPair(locked.text))
        #expect(read.text == locked.text)
        let opened = try await read.unlock(
            password: password, of: "account:1", pool: pool, share: .deployment, keys: keys)
        #expect(opened.secret.isSame(as: key.secret))
        #expect(opened.publicKey == key.publicKey)
    }

    @Test("what locks is HKDF-SHA256 over Argon2id's tag and the master key, as it will be in ten years")
    func knownAnswer() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let locked = try #require(LockedRevealPair(Self.known))
        #expect(locked.text == Self.known)
        let opened = try await locked.unlock(
            password: password, of: "account:1", pool: pool, share: .deployment, keys: keys)
        #expect(opened.secret.isSame(as: Secret((0..<32).map { UInt8($0) })))
    }

    @Test("another password, owner, master key or pepper opens nothing")
    func wrong() async throws {
        let (pool, foreign) = (Argon2Pool.sample(), Argon2Pool.sample(pepper: Samples.bytes(3)))
        defer { for pool in [pool, foreign] { pool.shutdown() } }
        let locked = try await lock(pool)
        let otherMaster = DeploymentSecrets(master: Samples.bytes(9), pepper: Samples.bytes(2))
        for other in ["", "correct horses", "Correct horse", "correct horse\0", "correct hors"] {
            await #expect(throws: SealingError()) {
                try await locked.unlock(
                    password: Secret(other), of: "account:1", pool: pool, share: .deployment, keys: keys)
            }
        }
        for other in ["", "account:2", "account:", "account:1\0"] {
            await #expect(throws: SealingError()) {
                try await locked.unlock(password: password, of: other, pool: pool, share: .deployment, keys: keys)
            }
        }
        await #expect(throws: SealingError()) {
            try await locked.unlock(
                password: password, of: "account:1", pool: pool, share: .deployment, keys: otherMaster)
        }
        await #expect(throws: SealingError()) {
            try await locked.unlock(password: password, of: "account:1", pool: foreign, share: .deployment, keys: keys)
        }
        #expect(
            try await locked.unlock(password: password, of: "account:1", pool: pool, share: .deployment, keys: keys)
                .secret.count == 32)
    }

    @Test(
        "with other parameters, another salt or another sealed part it does not open",
        arguments: [
            "v1$m=7169,t=5,p=1$c2l4dGVlbi5zYWx0LjE2Yg$\(sealed)", "v1$m=7168,t=6,p=1$c2l4dGVlbi5zYWx0LjE2Yg$\(sealed)",
            "v1$m=7168,t=5,p=2$c2l4dGVlbi5zYWx0LjE2Yg$\(sealed)", "v1$m=7168,t=5,p=1$d2l4dGVlbi5zYWx0LjE2Yg$\(sealed)",
            "v1$m=7168,t=5,p=1$c2l4dGVlbi5zYWx0LjE2Yg$" + sealed.replacing("w585", with: "w586"),
            "v1$m=7168,t=5,p=1$c2l4dGVlbi5zYWx0LjE2Yg$" + sealed.replacing("AAEC", with: "BAEC"),
        ])
    func tampered(text: String) async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let locked = try #require(LockedRevealPair(text))
        await #expect(throws: SealingError()) {
            try await locked.unlock(password: password, of: "account:1", pool: pool, share: .deployment, keys: keys)
        }
    }

    @Test(
        "parameters below the floor or beyond the bounds are not read, so that no stored text decides what is run",
        arguments: [
            (7167, 5, 1), (7168, 4, 1), (19_455, 2, 1), (64, 1, 1), (1_048_577, 5, 1), (7168, 17, 1), (7168, 5, 17),
            (4_294_967_295, 4_294_967_295, 255),
        ])
    func bounds(memory: Int, iterations: Int, parallelism: Int) {
        let text = Self.known.replacing("m=7168,t=5,p=1", with: "m=\(memory),t=\(iterations),p=\(parallelism)")
        #expect(LockedRevealPair(text) == nil)
    }

    @Test("cut, extended and other spellings are not read")
    func malformed() {
        for count in 0..<Self.known.count { #expect(LockedRevealPair(String(Self.known.prefix(count))) == nil) }
        let start = "v1$m=7168,t=5,p=1$c2l4dGVlbi5zYWx0LjE2Yg$"
        let others: [String] = [
            Self.known + "\n", Self.known + "A", Self.known + "AAAA", Self.known + "$", " " + Self.known,
            "$" + Self.known, "v2" + Self.known.dropFirst(2), "V1" + Self.known.dropFirst(2),
            Self.known.replacing("m=7168", with: "m=07168"), Self.known.replacing("m=7168", with: "m=+7168"),
            Self.known.replacing(",p=1", with: ""), Self.known.replacing(",p=1", with: ",p=1,k=1"),
            Self.known.replacing("$c2l4", with: "$"), Self.known.replacing("2Yg$", with: "2Yh$"),
            Self.known.replacing("2Yg$", with: "2Yg==$"), Self.known.replacing("2Yg$", with: "2YgAA$"),
            start, start + "v1.", start + Self.sealed.dropFirst(3), start + "v2." + Self.sealed.dropFirst(3),
            start + Self.sealed.dropLast(4), start + String(repeating: "A", count: 100_000),
            start + keys.sealing.seal(Samples.bytes(1), context: "a", entropy: .system) + "$",
            start + keys.sealing.seal(Secret(""), context: "a", entropy: .system),
        ]
        for other in others { #expect(LockedRevealPair(other) == nil, "\(other.prefix(200))") }
    }

    @Test("each lock has a salt and a nonce of its own, and the password's hash another salt again")
    func salts() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let texts = [try await lock(pool).text, try await lock(pool).text]
        let hash = try await pool.hash(password)
        let salts = texts.map { $0.split(separator: "$")[2] } + [Base64.encode(hash.salt)[...]]
        #expect(Set(salts).count == 3)
        #expect(Set(texts.map { $0.split(separator: "$")[3].prefix(19) }).count == 2)
    }

    @Test("the stored hash of the password does not open the lock, even with the master key")
    func storedHash() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let hash = try await pool.hash(password)
        let sealed = String(try await lock(pool).text.split(separator: "$")[3])
        let box = keys.revealBox(passwordTag: Secret(hash.hash), owner: "account:1")
        #expect(throws: SealingError()) { try box.open(sealed, context: "reveal key") }
    }

    @Test("a lock is to be made anew exactly when the parameters have changed")
    func relock() async throws {
        let (pool, today) = (Argon2Pool.sample(), Argon2Pool.sample(parameters: .standard))
        defer { for pool in [pool, today] { pool.shutdown() } }
        let locked = try await lock(pool)
        #expect(!locked.needsRelock(pool))
        #expect(locked.needsRelock(today))
    }

    @Test("a pool that refuses is not taken for a wrong password")
    func refused() async throws {
        let pool = Argon2Pool.sample()
        let locked = try await lock(pool)
        pool.shutdown()
        await #expect(throws: Argon2Failure.stopped) { try await lock(pool) }
        await #expect(throws: Argon2Failure.stopped) {
            try await locked.unlock(password: password, of: "account:1", pool: pool, share: .deployment, keys: keys)
        }
    }

    @Test("printing it shows nothing")
    func printing() throws {
        let locked = try #require(LockedRevealPair(Self.known))
        var shown = "\(locked) \(String(reflecting: locked))"
        dump(locked, to: &shown)
        #expect(!shown.contains("AAECAwQF"))
        #expect(shown.split(separator: "\n").count == 1)
    }
}
