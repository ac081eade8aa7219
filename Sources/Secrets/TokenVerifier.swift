import Crypto
import Synchronization
package import Values

/// Argon2id once per process and token, from then on a keyed digest in memory.
///
/// The key of the digests is made at each start and never leaves the process, so the table is worth nothing outside of
/// it. First uses of a token that come together share one computation.
package final class TokenVerifier: Sendable, CustomReflectable {
    private typealias Digest = SHA256.Digest

    private struct State {
        var known: BoundedTable<TokenID, Digest>
        var underWay: [Flight: Computation] = [:]
    }

    private struct Computation {
        let task: Task<Result<Bool, Argon2Failure>, Never>
        /// Whether nobody has called `forget` for its id since it began.
        var mayBeRemembered = true
    }

    /// One computation: a wrong secret under a right id must not ride on the right one's.
    private struct Flight: Hashable {
        let id: TokenID
        let digest: [UInt8]
        let phc: String
    }

    private let pool: Argon2Pool
    private let keyed: KeyedDigest
    private let state: Mutex<State>

    /// No children: the keyed digest in it is as good as its key.
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// - Parameter capacity: tokens remembered at most; a full table gives up a random one.
    package init(pool: Argon2Pool, capacity: Int, entropy: Entropy) {
        self.pool = pool
        state = Mutex(State(known: BoundedTable(capacity: capacity)))
        keyed = KeyedDigest(key: entropy.bytes(32))
    }

    /// Whether this is the token that is remembered under its id; `nil` when none is. Constant-time.
    package func recall(_ token: PresentedToken) -> Bool? {
        guard let known = state.withLock({ $0.known[token.id] }) else { return nil }
        return known == digest(token)
    }

    /// Whether `phc` was made from this token; remembers it if so.
    /// - Parameter share: of whoever's token it is.
    package func verify(
        _ token: PresentedToken, against phc: PHCString, for share: Share
    ) async throws(Argon2Failure) -> Bool {
        let digest = digest(token)
        let flight = Flight(id: token.id, digest: Array(digest), phc: phc.text)
        let task = state.withLock { state -> Task<Result<Bool, Argon2Failure>, Never>? in
            // Another use may have ended between the caller's `recall` and here.
            if state.known[token.id] == digest { return nil }
            if let computation = state.underWay[flight] { return computation.task }
            // However fast it is, it ends after it was entered here, since its end takes the lock too.
            let task = Task {
                let result = await compute(token, phc, share)
                end(flight, digest, result)
                return result
            }
            state.underWay[flight] = Computation(task: task)
            return task
        }
        return try await task?.value.get() ?? true
    }

    private func compute(
        _ token: PresentedToken, _ phc: PHCString, _ share: Share
    ) async -> Result<Bool, Argon2Failure> {
        do throws(Argon2Failure) {
            return .success(try await pool.verify(Secret(token.bytes), against: phc, for: share))
        } catch {
            return .failure(error)
        }
    }

    /// Once for each computation, however many wait for it.
    private func end(_ flight: Flight, _ digest: Digest, _ result: Result<Bool, Argon2Failure>) {
        state.withLock { state in
            guard let computation = state.underWay.removeValue(forKey: flight), computation.mayBeRemembered,
                case .success(true) = result
            else { return }
            state.known.insert(digest, for: flight.id)
        }
    }

    /// Remembers a token whose hash has just been made from it.
    package func remember(_ token: PresentedToken) {
        let digest = digest(token)
        state.withLock { $0.known.insert(digest, for: token.id) }
    }

    /// Also keeps the computations of this id that are under way from being remembered.
    package func forget(id: TokenID) {
        state.withLock { state in
            state.known.remove(id)
            for flight in state.underWay.keys where flight.id == id {
                state.underWay[flight]?.mayBeRemembered = false
            }
        }
    }

    private func digest(_ token: PresentedToken) -> Digest { keyed.of(token.bytes) }
}
