import Accounts
import Secrets
import Synchronization
import Values

/// Who has shown their password and not yet the code of their second factor.
///
/// The password is kept in memory for the few minutes that a code takes, so that it is not typed twice and is in no page. A
/// restart forgets it; then the sign-in begins again.
struct WaitingSignIns: Sendable {
    struct Waiting: Sendable {
        let email: EmailAddress
        let password: Password
        fileprivate let until: Timestamp
    }

    private let entropy: Entropy
    private let clock: Clock
    private let table: Table

    private final class Table: Sendable {
        let waiting = Mutex(BoundedTable<Text, Waiting>(capacity: 10_000))
    }

    init(entropy: Entropy, clock: Clock) {
        self.entropy = entropy
        self.clock = clock
        table = Table()
    }

    /// - Returns: the name of what waits, for the person's browser. It opens nothing without the code.
    func add(_ email: EmailAddress, _ password: Password) -> String {
        let name = entropy.bytes(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        let now = clock.now()
        table.waiting.withLock { table in
            table.removeAll { _, waiting in waiting.until < now }
            table.insert(Waiting(email: email, password: password, until: now.adding(.seconds(300))), for: Text(name))
        }
        return name
    }

    func find(_ name: Text) -> Waiting? {
        let now = clock.now()
        return table.waiting.withLock { $0[name] }.flatMap { $0.until < now ? nil : $0 }
    }

    func remove(_ name: Text) { table.waiting.withLock { $0.remove(name) } }
}
