import Crypto
import Synchronization

/// Argon2id once per process and token, from then on a keyed digest in memory.
///
/// The key of the digests is made at each start and never leaves the process, so the table is worth nothing outside of
/// it. First uses of a token that come together share one computation.
package final class TokenVerifier: Sendable {
    private typealias Digest = HMAC<SHA256>.MAC

    private struct State {
        var known: [TokenID: Digest] = [:]
        var underWay: [Flight: Task<Result<Bool, Argon2Failure>, Never>] = [:]
        /// Counts the calls of `forget`, so that a computation that began before one is not remembered after it.
        var forgotten: UInt64 = 0
    }

    /// One computation: a wrong secret under a right id must not ride on the right one's.
    private struct Flight: Hashable {
        let id: TokenID
        let digest: [UInt8]
        let phc: String
    }

    private let pool: Argon2Pool
    private let capacity: Int
    private let key: SymmetricKey
    private let state = Mutex(State())

    /// - Parameter capacity: tokens remembered at most; a full table gives up an arbitrary one.
    package init(pool: Argon2Pool, capacity: Int, entropy: Entropy) {
        self.pool = pool
        self.capacity = capacity
        key = SymmetricKey(data: entropy.bytes(32))
    }

    /// Whether this is the token that is remembered under its id; `nil` when none is. Constant-time.
    package func recall(_ token: PresentedToken) -> Bool? {
        guard let known = state.withLock({ $0.known[token.id] }) else { return nil }
        return known == digest(token)
    }

    /// Whether `phc` was made from this token; remembers it if so.
    package func verify(_ token: PresentedToken, against phc: PHCString) async throws(Argon2Failure) -> Bool {
        let digest = digest(token)
        let flight = Flight(id: token.id, digest: Array(digest), phc: phc.text)
        let (task, began) = state.withLock { state in
            if let task = state.underWay[flight] { return (task, state.forgotten) }
            let task = Task { [pool] () -> Result<Bool, Argon2Failure> in
                do throws(Argon2Failure) {
                    return .success(try await pool.verify(Secret(token.bytes), against: phc))
                } catch {
                    return .failure(error)
                }
            }
            state.underWay[flight] = task
            return (task, state.forgotten)
        }
        let result = await task.value
        state.withLock { state in
            state.underWay[flight] = nil
            if case .success(true) = result, state.forgotten == began { insert(digest, token.id, &state) }
        }
        return try result.get()
    }

    /// Remembers a token whose hash has just been made from it.
    package func remember(_ token: PresentedToken) {
        let digest = digest(token)
        state.withLock { insert(digest, token.id, &$0) }
    }

    package func forget(id: TokenID) {
        state.withLock { state in
            state.known[id] = nil
            state.forgotten += 1
        }
    }

    private func insert(_ digest: Digest, _ id: TokenID, _ state: inout State) {
        if state.known.count >= capacity, let victim = state.known.keys.first { state.known[victim] = nil }
        state.known[id] = digest
    }

    private func digest(_ token: PresentedToken) -> Digest {
        HMAC<SHA256>.authenticationCode(for: token.bytes, using: key)
    }
}
