import Synchronization
import Testing
import Values

@testable import Secrets

/// One at a time, since several of them fill all threads.
@Suite(.serialized)
struct Argon2PoolTests {
    @Test("a hash opens for its secret alone, and no two are the same")
    func hashing() async throws {
        let pool = Argon2Pool.sample(parameters: .standard)
        defer { pool.shutdown() }
        let (one, other) = (try await pool.hash(Secret("horse")), try await pool.hash(Secret("horse")))
        #expect(one.text != other.text)
        #expect(one.salt != other.salt)
        #expect(one.salt.count == 16)
        #expect(one.hash.count == 32)
        #expect(one.parameters == .standard)
        #expect(try await pool.verify(Secret("horse"), against: one))
        #expect(try await pool.verify(Secret("horse"), against: other))
        #expect(try await !pool.verify(Secret("horses"), against: one))
        #expect(try await !pool.verify(Secret(""), against: one))
    }

    @Test("an empty secret is hashed like any other")
    func emptySecret() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let phc = try await pool.hash(Secret(""))
        #expect(try await pool.verify(Secret(""), against: phc))
        #expect(try await !pool.verify(Secret("\0"), against: phc))
    }

    @Test("another deployment's pepper opens no hash of ours")
    func pepper() async throws {
        let (ours, foreign) = (Argon2Pool.sample(), Argon2Pool.sample(pepper: Samples.bytes(3)))
        defer { for pool in [ours, foreign] { pool.shutdown() } }
        let phc = try await ours.hash(Secret("horse"))
        #expect(try await !foreign.verify(Secret("horse"), against: phc))
    }

    @Test("a hash is to be made anew exactly when the parameters have changed")
    func rehash() async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let today = try await pool.hash(Secret("horse"))
        #expect(!pool.needsRehash(today))
        for other in [(65, 1, 1), (64, 2, 1), (64, 1, 2)] {
            let parameters = Argon2Parameters(unchecked: other.0, other.1, other.2)
            #expect(pool.needsRehash(PHCString(parameters: parameters, salt: today.salt, hash: today.hash)))
        }
    }

    @Test("the decoy looks like a hash of today, takes the same work, and opens for nobody")
    func decoy() async throws {
        let (pool, other) = (Argon2Pool.sample(), Argon2Pool.sample(parameters: .standard))
        defer { for pool in [pool, other] { pool.shutdown() } }
        #expect(PHCString(other.decoy.text)?.parameters == .standard)
        #expect(!pool.needsRehash(pool.decoy))
        let real = try await pool.hash(Secret("horse"))
        #expect(pool.decoy.salt.count == real.salt.count)
        #expect(pool.decoy.hash.count == real.hash.count)
        let before = pool.load.taken
        for guess in ["", "horse", "decoy", pool.decoy.text] {
            #expect(try await !pool.verify(Secret(guess), against: pool.decoy))
        }
        #expect(pool.load.taken == before + 4)
    }

    @Test(
        "a string with parameters that no deployment could have written is false without being run",
        arguments: [(1_048_577, 1, 1), (65, 17, 1), (1024, 1, 17), (4_294_967_295, 4_294_967_295, 255)])
    func absurd(memory: Int, iterations: Int, parallelism: Int) async throws {
        let pool = Argon2Pool.sample()
        defer { pool.shutdown() }
        let text = "$argon2id$v=19$m=\(memory),t=\(iterations),p=\(parallelism)$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"
        #expect(try await !pool.verify(Secret("horse"), against: try #require(PHCString(text))))
        #expect(pool.load.taken == 0)
    }

    @Test("libargon2's own refusal comes out with its code")
    func failing() async throws {
        let pool = Argon2Pool.sample(parameters: Argon2Parameters(unchecked: 1, 1, 1))
        defer { pool.shutdown() }
        await #expect(throws: Argon2Failure.failed(code: -14)) { try await pool.hash(Secret("horse")) }
    }

    @Test("as many wait as the limit says; the next is refused at once and the others are served")
    func bounded() async throws {
        let pool = Argon2Pool.sample(queueLimit: 3)
        defer { pool.shutdown() }
        let occupied = try await pool.occupy()
        let waiting = (0..<3).map { _ in Task { try await pool.hash(Secret("horse")) } }
        try await eventually("the queue is full") { pool.load.waiting == 3 }
        for _ in 0..<5 { await #expect(throws: Argon2Failure.overloaded) { try await pool.hash(Secret("horse")) } }
        #expect(pool.load.waiting == 3, "refusals came before the thread was free again")
        for task in waiting { #expect(try await pool.verify(Secret("horse"), against: try await task.value)) }
        #expect(try await !occupied.value)
    }

    @Test("a job whose time is over when its turn comes is refused unrun")
    func deadline() async throws {
        let pool = Argon2Pool.sample(deadline: .milliseconds(-1), parameters: Argon2Parameters(unchecked: 1, 1, 1))
        defer { pool.shutdown() }
        // Run, this would have been refused by libargon2.
        await #expect(throws: Argon2Failure.overloaded) { try await pool.hash(Secret("horse")) }
        #expect(pool.load.taken == 1, "it had waited for its turn")
    }

    @Test("after shutdown what waits is refused, what runs comes to its end, and nothing new begins")
    func shutdown() async throws {
        let pool = Argon2Pool.sample(queueLimit: 8)
        let occupied = try await pool.occupy()
        let waiting = (0..<5).map { _ in Task { try await pool.hash(Secret("horse")) } }
        try await eventually("the jobs wait") { pool.load.waiting == 5 }
        pool.shutdown()
        pool.shutdown()
        for task in waiting { await #expect(throws: Argon2Failure.stopped) { try await task.value } }
        await #expect(throws: Argon2Failure.stopped) { try await pool.hash(Secret("horse")) }
        #expect(try await !occupied.value)
        #expect(pool.load.taken == 1)
    }

    @Test("while every thread hashes, tasks go on: hashing takes none of the threads that tasks share")
    func offThePool() async throws {
        let pool = Argon2Pool.sample(workers: 8)
        defer { pool.shutdown() }
        let busy = (0..<8).map { _ in Task { try await pool.verify(Secret("nobody's"), against: .slow) } }
        try await eventually("all threads have begun") { pool.load.taken == 8 }
        let hops = Task.detached {
            for _ in 0..<100 { await Task.detached { await Task.yield() }.value }
            return ContinuousClock.now
        }
        let hopped = await hops.value
        for task in busy { #expect(try await !task.value) }
        #expect(hopped < ContinuousClock.now - .milliseconds(50), "the hops were over well before the hashes")
    }

    @Test("a thousand jobs at once on two threads all come back, each with its own result")
    func crowd() async throws {
        let pool = Argon2Pool.sample(workers: 2, queueLimit: 1000)
        defer { pool.shutdown() }
        let hash = try await pool.hash(Secret("7"))
        let right = try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
            for number in 0..<1000 {
                group.addTask { (number, try await pool.verify(Secret("\(number % 100)"), against: hash)) }
            }
            return try await group.reduce(into: Set<Int>()) { if $1.1 { $0.insert($1.0) } }
        }
        #expect(right == Set(stride(from: 7, to: 1000, by: 100)))
    }

    @Test("a share that floods waits behind itself: another is next, and only the flood is told that it is too much")
    func fair() async throws {
        let pool = Argon2Pool.sample(queueLimit: 12, shareLimit: 8)
        defer { pool.shutdown() }
        let (flood, other) = (Share.account(Samples.identifier(1)), Share.account(Samples.identifier(2)))
        let occupied = try await pool.occupy()
        let order = Order()
        @Sendable func job(_ name: String, _ share: Share) -> Task<Void, any Error> {
            Task {
                _ = try await pool.hash(Secret(name), for: share)
                order.note(name)
            }
        }
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<8 {
            tasks.append(job("flood", flood))
            try await eventually("it waits") { pool.load.waiting == number + 1 }
        }
        await #expect(throws: Argon2Failure.overloaded) { try await pool.hash(Secret("flood"), for: flood) }
        tasks.append(job("other", other))
        try await eventually("it waits") { pool.load.waiting == 9 }
        for task in tasks { try await task.value }
        let served = order.names
        let place = try #require(served.firstIndex(of: "other"))
        // The second of nine; a task may be slow to say that its hash is there.
        #expect(place <= 3, "\(served)")
        #expect(try await !occupied.value)
    }

    @Test("in a full queue the flood makes room for others, and is told so at once") func room() async throws {
        let pool = Argon2Pool.sample(queueLimit: 4, shareLimit: 4)
        defer { pool.shutdown() }
        let occupied = try await pool.occupy()
        let flood = (0..<4).map { _ in
            Task { try await pool.hash(Secret("flood"), for: .account(Samples.identifier(1))) }
        }
        try await eventually("the queue is full") { pool.load.waiting == 4 }
        let other = Task { try await pool.hash(Secret("other"), for: .account(Samples.identifier(2))) }
        var refused = 0
        for task in flood {
            do { _ = try await task.value } catch Argon2Failure.overloaded { refused += 1 }
        }
        #expect(refused == 1)
        _ = try await other.value
        #expect(try await !occupied.value)
    }

    @Test("strangers of very many sites leave half of the queue to those who are known")
    func crowdOfStrangers() async throws {
        let pool = Argon2Pool.sample(queueLimit: 12, shareLimit: 4)
        defer { pool.shutdown() }
        let occupied = try await pool.occupy()
        @Sendable func job(_ name: String, _ share: Share) -> Task<Void, any Error> {
            Task { _ = try await pool.hash(Secret(name), for: share) }
        }
        func stranger(_ number: Int) throws -> Share {
            let address: IPAddress = try #require(IPAddress("2001:db8:\(number)::1"))
            return .address(address)
        }
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<6 {
            tasks.append(job("stranger", try stranger(number)))
            try await eventually("it waits") { pool.load.waiting == number + 1 }
        }
        for number in 6..<20 {
            await #expect(throws: Argon2Failure.overloaded) {
                try await pool.hash(Secret("stranger"), for: try stranger(number))
            }
        }
        for number in 0..<3 {
            tasks.append(job("known", .account(Samples.identifier(1))))
            try await eventually("it waits") { pool.load.waiting == 7 + number }
        }
        for task in tasks { try await task.value }
        #expect(try await !occupied.value)
    }

    @Test("a share is an account, or a site: a /48 of IPv6, one address of IPv4") func shares() throws {
        func share(_ text: String) throws -> Share {
            let address: IPAddress = try #require(IPAddress(text))
            return .address(address)
        }
        #expect(try share("2001:db8:1:2::1") == share("2001:db8:1:ffff:ffff::"))
        #expect(try share("2001:db8:1:2::1") != share("2001:db8:2:2::1"))
        #expect(try share("192.0.2.1") == share("::ffff:192.0.2.1"))
        #expect(try share("192.0.2.1") != share("192.0.2.2"))
        #expect(Share.address(nil) == .address(nil))
        #expect(Share.address(nil) != .deployment)
        #expect(Share.address(nil).isStranger)
        #expect(!Share.deployment.isStranger && !Share.account(Samples.identifier(1)).isStranger)
        #expect(Share.account(Samples.identifier(1)) != .account(Samples.identifier(2)))
    }
}

/// In which order jobs were done.
private final class Order: Sendable {
    private let list = Mutex<[String]>([])

    var names: [String] { list.withLock { $0 } }
    func note(_ name: String) { list.withLock { $0.append(name) } }
}
