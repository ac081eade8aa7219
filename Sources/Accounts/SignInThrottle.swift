import Glibc
import Policy
import Synchronization

/// Slows guessing without giving anybody a way to lock another out.
///
/// Attempts are counted for the pair of source and address, and for the source alone, in windows of fifteen minutes.
/// They are not counted for the address alone: a stranger who fails on purpose shuts out only themselves, and the owner
/// still gets in from elsewhere. An attempt counts when it begins, so that many at once don't slip through together.
final class SignInThrottle: Sendable {
    struct Attempt: Hashable {
        let peer: String
        let email: String

        init(peer: String, email: String) {
            self.peer = Self.network(of: peer)
            self.email = email
        }

        /// An IPv6 customer has at least a /64 to choose addresses from, so its 64 bits count as one source.
        private static func network(of peer: String) -> String {
            var address = in6_addr()
            guard inet_pton(AF_INET6, peer, &address) == 1 else { return peer }
            return withUnsafeBytes(of: address) { bytes in
                let isMappedIPv4 = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
                return (isMappedIPv4 ? bytes.suffix(4) : bytes.prefix(8)).map(String.init).joined(separator: ".")
            }
        }
    }

    static let perPair = 10
    static let perSource = 100
    private static let window: Duration = .seconds(900)
    private static let capacity = 50_000

    private struct Count {
        var attempts: Int
        var ends: Timestamp
    }

    private struct State {
        /// The empty address stands for the source alone.
        var counts: [Attempt: Count] = [:]
        /// Not before this time is a full table looked through again: that costs, and a flood must not make it cost often.
        var nextSweep = Timestamp(microseconds: .min)
    }

    private let state = Mutex(State())

    func begin(_ attempt: Attempt, now: Timestamp) throws(AccountsError) {
        let source = Attempt(peer: attempt.peer, email: "")
        let refusedUntil = state.withLock { state -> Timestamp? in
            for key in [attempt, source] where state.counts[key].map({ $0.ends <= now }) ?? false {
                state.counts[key] = nil
            }
            if let pair = state.counts[attempt], pair.attempts >= Self.perPair { return pair.ends }
            if let all = state.counts[source], all.attempts >= Self.perSource { return all.ends }
            let new = (state.counts[attempt] == nil ? 1 : 0) + (state.counts[source] == nil ? 1 : 0)
            if state.counts.count + new > Self.capacity, state.nextSweep <= now {
                state.nextSweep = now.adding(.seconds(1))
                state.counts = state.counts.filter { $0.value.ends > now }
            }
            // Still full of running windows: a flood from very many sources. Nobody new is let in until some end.
            if state.counts.count + new > Self.capacity { return now.adding(.seconds(1)) }
            for key in [attempt, source] {
                state.counts[key, default: Count(attempts: 0, ends: now.adding(Self.window))].attempts += 1
            }
            return nil
        }
        guard let refusedUntil else { return }
        let seconds = max(1, (refusedUntil.microseconds - now.microseconds + 999_999) / 1_000_000)
        throw .tooManyAttempts(retryAfterSeconds: Int(seconds))
    }

    /// Forgives a right password: the pair starts anew, and the attempt doesn't count for its source.
    func succeeded(_ attempt: Attempt) {
        state.withLock { state in
            state.counts[attempt] = nil
            state.counts[Attempt(peer: attempt.peer, email: "")]?.attempts -= 1
        }
    }
}
