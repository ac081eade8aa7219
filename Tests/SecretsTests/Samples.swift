import Testing
import Values

@testable import Secrets

/// Keys that any test may use, and the same that another deployment would have.
enum Samples {
    static let keys = DeploymentSecrets(master: bytes(1), pepper: bytes(2))
    static let otherKeys = DeploymentSecrets(master: bytes(1), pepper: bytes(3))

    static func bytes(_ value: UInt8) -> Secret { Secret([UInt8](repeating: value, count: 32)) }

    /// The two lowest bits of the random part are not kept.
    static func identifier(_ number: UInt64) -> Identifier {
        Identifier(at: Timestamp(microseconds: 0), random: (0, number << 2))
    }

    static func format(_ prefix: String = "lk_", _ keys: DeploymentSecrets = keys) throws -> TokenFormat {
        try TokenFormat(prefix: prefix, keys: keys)
    }

    /// The same token with other characters before the checksum, and the checksum that these have.
    static func checksummed(_ token: [UInt8]) -> String {
        let payload = token.dropLast(6)
        let checksum = Base62.digits(of: UInt64(CRC32.checksum(payload)), count: 6)
        return String(decoding: payload + checksum, as: UTF8.self)
    }
}

extension Argon2Parameters {
    /// Far below the floor: a hash of a tenth of a millisecond, where a test is not about Argon2id itself.
    static let tiny = Argon2Parameters(unchecked: 64, 1, 1)
}

extension PHCString {
    /// Keeps a thread busy for some tenths of a second; no secret opens it.
    static let slow = PHCString(
        parameters: Argon2Parameters(unchecked: 65_536, 8, 1), salt: [UInt8](repeating: 1, count: 16),
        hash: [UInt8](repeating: 2, count: 32))
}

extension Argon2Pool {
    static func sample(
        workers: Int = 1, queueLimit: Int = 64, shareLimit: Int? = nil, deadline: Duration = .seconds(60),
        pepper: Secret = Samples.bytes(2), parameters: Argon2Parameters = .tiny
    ) -> Argon2Pool {
        Argon2Pool(
            pepper: pepper, parameters: parameters, workers: workers, queueLimit: queueLimit,
            shareLimit: shareLimit ?? queueLimit, deadline: deadline, entropy: .seeded(7))
    }

    /// Where a test is not about shares.
    func hash(_ secret: Secret) async throws(Argon2Failure) -> PHCString { try await hash(secret, for: .deployment) }

    /// The same.
    func verify(_ secret: Secret, against phc: PHCString) async throws(Argon2Failure) -> Bool {
        try await verify(secret, against: phc, for: .deployment)
    }

    /// Gives one thread work for some tenths of a second and returns when it has begun.
    func occupy() async throws -> Task<Bool, any Error> {
        let before = load.taken
        let task = Task { try await verify(Secret("nobody's"), against: .slow) }
        try await eventually("the thread has begun") { load.taken > before }
        return task
    }
}

/// Waits until something is so that other tasks or threads are about to make so.
func eventually(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ isSo: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while !isSo() {
        try #require(ContinuousClock.now < deadline, what, sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(1))
    }
}
