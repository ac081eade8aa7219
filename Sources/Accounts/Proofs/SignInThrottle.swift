import Synchronization
import Values

/// Slows guessing without giving anybody a way to lock another out.
///
/// Attempts are counted for the pair of source and address, and for the source alone, in windows of fifteen minutes.
/// They are not counted for the address alone: a stranger who fails on purpose shuts out only themselves, and the owner
/// still gets in from elsewhere. An attempt counts when it begins, so that many at once don't slip through together.
final class SignInThrottle: Sendable {
    struct Attempt: Hashable {
        let source: String
        let name: String

        /// An IPv6 customer has at least a /64 to choose addresses from, so its 64 bits count as one source; all whose
        /// address can't be known are one as well.
        init(from address: IPAddress?, email: String) {
            self.init(source: address?.network.description ?? "unknown", name: email)
        }

        /// For codes, which only who has the password can try: counted for the user, from wherever.
        init(codeOf user: Identifier) { self.init(source: user.description, name: user.description) }

        /// The source alone, whatever name it tries.
        var ofSource: Attempt { Attempt(source: source, name: "") }

        private init(source: String, name: String) {
            self.source = source
            self.name = name
        }
    }

    static let perPair = 10
    static let perSource = 100
    fileprivate static let window: Duration = .seconds(900)
    private let capacity: Int

    private struct Count {
        var attempts: Int
        var ends: Timestamp
    }

    /// Two tables, of which the older is given up when the newer is full. A flood from very many sources so costs some
    /// windows their memory, and nobody their way in: whoever has that many sources needs no forgetting to guess on.
    private struct State {
        var newer: [Attempt: Count] = [:]
        var older: [Attempt: Count] = [:]

        /// The window of an attempt, when one is running. One that would end later than a window from now was begun by a
        /// clock that was ahead.
        func count(of attempt: Attempt, _ now: Timestamp) -> Count? {
            guard let count = newer[attempt] ?? older[attempt], count.ends > now,
                count.ends.adding(.zero - SignInThrottle.window).hasBeen(at: now)
            else { return nil }
            return count
        }

        mutating func set(_ count: Count?, of attempt: Attempt, capacity: Int) {
            older[attempt] = nil
            newer[attempt] = nil
            if newer.count >= capacity {
                older = newer
                newer = [:]
            }
            newer[attempt] = count
        }
    }

    private let state = Mutex(State())

    /// - Parameter capacity: how many windows one of the two tables holds.
    init(capacity: Int = 50_000) { self.capacity = capacity }

    func begin(_ attempt: Attempt, now: Timestamp) throws(AccountsError) {
        try check(attempt, now: now, counting: true)
    }

    /// Refuses as ``begin(_:now:)`` does, and counts nothing.
    func check(_ attempt: Attempt, now: Timestamp) throws(AccountsError) {
        try check(attempt, now: now, counting: false)
    }

    private func check(_ attempt: Attempt, now: Timestamp, counting: Bool) throws(AccountsError) {
        let refusedUntil = state.withLock { state -> Timestamp? in
            let pair = state.count(of: attempt, now)
            let all = state.count(of: attempt.ofSource, now)
            if let pair, pair.attempts >= Self.perPair { return pair.ends }
            if let all, all.attempts >= Self.perSource { return all.ends }
            guard counting else { return nil }
            for (key, count) in [(attempt, pair), (attempt.ofSource, all)] {
                var count = count ?? Count(attempts: 0, ends: now.adding(Self.window))
                count.attempts += 1
                state.set(count, of: key, capacity: capacity)
            }
            return nil
        }
        guard let refusedUntil else { return }
        let seconds = max(1, (refusedUntil.microseconds - now.microseconds + 999_999) / 1_000_000)
        throw .tooManyAttempts(retryAfterSeconds: Int(seconds))
    }

    /// Forgives a right password: the pair starts anew, and the attempt doesn't count for its source. Once for each
    /// attempt.
    func succeeded(_ attempt: Attempt) {
        state.withLock { state in
            state.set(nil, of: attempt, capacity: capacity)
            reduce(attempt.ofSource, &state)
        }
    }

    /// For an attempt that tried nothing.
    func takeBack(_ attempt: Attempt) {
        state.withLock { state in
            reduce(attempt, &state)
            reduce(attempt.ofSource, &state)
        }
    }

    private func reduce(_ attempt: Attempt, _ state: inout State) {
        guard var count = state.newer[attempt] ?? state.older[attempt] else { return }
        count.attempts = max(0, count.attempts - 1)
        state.set(count, of: attempt, capacity: capacity)
    }
}
