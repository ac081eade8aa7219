package import Secrets
import Values

/// Threads of Argon2id for all tests, with the least work that the product allows.
package enum TestPool {
    package static let shared = pool()

    /// - Parameter queueLimit: jobs that may wait, of one share as well.
    package static func pool(
        memoryKiB: Int = 7168, iterations: Int = 5, queueLimit: Int = 10_000
    ) -> Argon2Pool {
        guard let parameters = try? Argon2Parameters(memoryKiB: memoryKiB, iterations: iterations, parallelism: 1)
        else { preconditionFailure("the parameters are below the floor") }
        return Argon2Pool(
            pepper: Secret("pepper"), parameters: parameters, workers: 2, queueLimit: queueLimit,
            shareLimit: queueLimit, deadline: .seconds(120), entropy: .system)
    }

    /// A pool that refuses all work: whoever needs an Argon2id is told `Argon2Failure.stopped`.
    package static var stopped: Argon2Pool {
        let pool = pool(queueLimit: 0)
        pool.shutdown()
        return pool
    }
}
