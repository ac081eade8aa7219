import Testing
import Values

@testable import Secrets

/// One at a time, since several of them occupy a thread.
@Suite(.serialized)
struct TokenVerifierTests {
    private let format: TokenFormat
    private let entropy = Entropy.seeded(21)

    init() throws { format = try Samples.format() }

    /// A token with the id of another and a secret of its own.
    private func impostor(of token: MintedToken) throws -> PresentedToken {
        var bytes = token.presented.bytes
        bytes[20] = bytes[20] == 0x41 ? 0x42 : 0x41
        return try #require(format.parse(Samples.checksummed(bytes)))
    }

    private func verifier(_ pool: Argon2Pool, capacity: Int = 100) -> TokenVerifier {
        TokenVerifier(pool: pool, capacity: capacity, entropy: entropy)
    }

    @Test("a token is known from when it is remembered to when it is forgotten")
    func remembering() throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let (token, other) = (format.mint(entropy), format.mint(entropy))
        #expect(verifier.recall(token.presented) == nil)
        verifier.remember(token.presented)
        #expect(verifier.recall(token.presented) == true)
        #expect(verifier.recall(try #require(format.parse(token.secret.exposed()))) == true)
        #expect(verifier.recall(other.presented) == nil)
        verifier.forget(id: other.id)
        #expect(verifier.recall(token.presented) == true)
        verifier.forget(id: token.id)
        #expect(verifier.recall(token.presented) == nil)
        #expect(pool.load.taken == 0)
    }

    @Test("another secret under a known id is not known, whichever character differs")
    func impostors() throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let token = format.mint(entropy)
        verifier.remember(token.presented)
        for place in 15..<48 {
            var bytes = token.presented.bytes
            bytes[place] = bytes[place] == 0x30 ? 0x31 : 0x30
            let forged = try #require(format.parse(Samples.checksummed(bytes)))
            #expect(forged.id == token.id)
            #expect(verifier.recall(forged) == false)
        }
        #expect(verifier.recall(token.presented) == true)
    }

    @Test("a token that verified is remembered; one that did not is not, and takes nothing away")
    func verifying() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let token = format.mint(entropy)
        let impostor = try impostor(of: token)
        let phc = try await pool.hash(token.secret)
        #expect(try await !verifier.verify(impostor, against: phc, for: .deployment))
        #expect(verifier.recall(impostor) == nil)
        #expect(try await verifier.verify(token.presented, against: phc, for: .deployment))
        #expect(verifier.recall(token.presented) == true)
        #expect(try await !verifier.verify(impostor, against: phc, for: .deployment))
        #expect(verifier.recall(token.presented) == true)
        #expect(verifier.recall(impostor) == false)
    }

    @Test("fifty first uses of a token that come together cost one computation")
    func coalescing() async throws {
        let pool = Argon2Pool.sample(queueLimit: 1)
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let token = format.mint(entropy)
        let phc = try await pool.hash(token.secret)
        let occupied = try await pool.occupy()
        let before = pool.load.taken
        let uses = (0..<50).map { _ in
            Task { try await verifier.verify(token.presented, against: phc, for: .deployment) }
        }
        // More than one job would not fit into the queue and end in "overloaded".
        for use in uses { #expect(try await use.value) }
        #expect(pool.load.taken == before + 1)
        #expect(try await !occupied.value)
    }

    @Test("a wrong secret does not ride on the right one's computation")
    func separateFlights() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let token = format.mint(entropy)
        let impostor = try impostor(of: token)
        let phc = try await pool.hash(token.secret)
        let occupied = try await pool.occupy()
        let right = Task { try await verifier.verify(token.presented, against: phc, for: .deployment) }
        let wrong = Task { try await verifier.verify(impostor, against: phc, for: .deployment) }
        let decoyed = Task { try await verifier.verify(token.presented, against: pool.decoy, for: .deployment) }
        try await eventually("all wait") { pool.load.waiting == 3 }
        #expect(try await right.value)
        #expect(try await !wrong.value)
        #expect(try await !decoyed.value)
        #expect(verifier.recall(impostor) == false)
        #expect(try await !occupied.value)
    }

    @Test("a token forgotten while its computation is under way is not remembered, nor by those who joined later")
    func forgettingInFlight() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let (token, other) = (format.mint(entropy), format.mint(entropy))
        let (phc, otherHash) = (try await pool.hash(token.secret), try await pool.hash(other.secret))
        let occupied = try await pool.occupy()
        let use = Task { try await verifier.verify(token.presented, against: phc, for: .deployment) }
        let otherUse = Task { try await verifier.verify(other.presented, against: otherHash, for: .deployment) }
        try await eventually("both wait") { pool.load.waiting == 2 }
        verifier.forget(id: token.id)
        let joined = (0..<10).map { _ in
            Task { try await verifier.verify(token.presented, against: phc, for: .deployment) }
        }
        for task in [use, otherUse] + joined { #expect(try await task.value) }
        #expect(verifier.recall(token.presented) == nil)
        #expect(verifier.recall(other.presented) == true, "forgetting one id takes nothing from another")
        #expect(try await verifier.verify(token.presented, against: phc, for: .deployment))
        #expect(verifier.recall(token.presented) == true, "a computation after it counts again")
        #expect(try await !occupied.value)
    }

    @Test("a refused computation is refused for all who waited for it, and the next one is made anew")
    func failing() async throws {
        let pool = Argon2Pool.sample(queueLimit: 1)
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let (token, other) = (format.mint(entropy), format.mint(entropy))
        let phc = try await pool.hash(token.secret)
        let occupied = try await pool.occupy()
        let waiting = Task { try await pool.hash(other.secret) }
        try await eventually("the queue is full") { pool.load.waiting == 1 }
        await #expect(throws: Argon2Failure.overloaded) {
            try await verifier.verify(token.presented, against: phc, for: .deployment)
        }
        #expect(verifier.recall(token.presented) == nil)
        _ = try await (waiting.value, occupied.value)
        #expect(try await verifier.verify(token.presented, against: phc, for: .deployment))
        #expect(verifier.recall(token.presented) == true)
    }

    @Test("a caller who gives up takes the computation from nobody else")
    func cancelling() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool)
        let token = format.mint(entropy)
        let phc = try await pool.hash(token.secret)
        let occupied = try await pool.occupy()
        let first = Task { try await verifier.verify(token.presented, against: phc, for: .deployment) }
        try await eventually("it waits") { pool.load.waiting == 1 }
        let second = Task { try await verifier.verify(token.presented, against: phc, for: .deployment) }
        first.cancel()
        #expect(try await second.value)
        #expect(verifier.recall(token.presented) == true)
        #expect(try await !occupied.value)
    }

    @Test("a full table stays at its size, knows the newest token, and does not keep to the oldest alone")
    func capacity() {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool, capacity: 100)
        let tokens = (0..<1000).map { _ in format.mint(entropy).presented }
        for token in tokens {
            verifier.remember(token)
            #expect(verifier.recall(token) == true)
        }
        #expect(tokens.count { verifier.recall($0) != nil } == 100)
        // With a random victim about 40 of the last 50 are left; fewer than 20 do not happen.
        #expect(tokens.suffix(50).count { verifier.recall($0) == true } >= 20)
        // A token that is known already needs no place.
        for _ in 0..<1000 { verifier.remember(tokens[999]) }
        #expect(tokens.count { verifier.recall($0) != nil } == 100)
    }

    @Test("a table that forgets and remembers again stays within its size")
    func forgettingWhenFull() {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let verifier = verifier(pool, capacity: 10)
        let tokens = (0..<100).map { _ in format.mint(entropy).presented }
        for round in 0..<2000 {
            verifier.remember(tokens[round * 7 % 100])
            if round % 3 == 0 { verifier.forget(id: tokens[round * 7 % 100].id) }
            if round % 5 == 0 { verifier.forget(id: tokens[round * 11 % 100].id) }
        }
        #expect(tokens.count { verifier.recall($0) != nil } <= 10)
        verifier.remember(tokens[3])
        #expect(verifier.recall(tokens[3]) == true)
    }
}
