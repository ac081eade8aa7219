import Secrets
import Synchronization
import Values

/// Forms that make something, each under a name that its page gave it: sent twice, one makes one thing.
///
/// In memory: a restart forgets it, and then a page that is sent again makes another key, within the limits of the account.
struct SentForms: Sendable {
    private final class Table: Sendable {
        /// What came of each; `nil` while it is under way.
        let sent = Mutex(BoundedTable<Text, Identifier?>(capacity: 10_000))
    }

    private let entropy: Entropy
    private let table = Table()

    init(entropy: Entropy) { self.entropy = entropy }

    /// For a new page.
    func newName() -> String {
        entropy.bytes(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    enum Beginning {
        case first
        /// It was sent before; with what came of it, when that is known.
        case again(Identifier?)
    }

    func begin(_ name: Text, of user: Identifier) -> Beginning {
        table.sent.withLock { table in
            let key = Self.key(name, user)
            if let found = table[key] { return .again(found) }
            table.insert(nil, for: key)
            return .first
        }
    }

    /// It made this.
    func made(_ id: Identifier, _ name: Text, of user: Identifier) {
        table.sent.withLock { $0.insert(id, for: Self.key(name, user)) }
    }

    /// It made nothing, and may be sent again.
    func forget(_ name: Text, of user: Identifier) { table.sent.withLock { $0.remove(Self.key(name, user)) } }

    private static func key(_ name: Text, _ user: Identifier) -> Text {
        Text(decoding: Array(user.description.utf8) + Array(name.utf8.prefix(64)))
    }
}
