import Accounts
import Audit
import Management
import Values

/// What the record says, in words: people by their address, apps and keys by their names.
struct AuditWords {
    /// Those of the account now.
    private let people: [User]
    /// Whom the reader may know, also those who are gone; `nil` for everybody.
    private let known: Set<Identifier>?
    private let names: Names
    private let strings: Strings

    init(people: [User], known: Set<Identifier>?, _ names: Names, _ strings: Strings) {
        self.people = people
        self.known = known
        self.names = names
        self.strings = strings
    }

    func action(_ action: AuditEntry.Action) -> String { strings("action." + action.rawValue) }

    /// Whether the reader may know who did it, and from where.
    func isShown(_ entry: AuditEntry) -> Bool {
        known.map { known in entry.actor.map(known.contains) ?? false } ?? true
    }

    func who(_ entry: AuditEntry) -> String {
        guard isShown(entry) else { return strings("audit.operators") }
        guard let actor = entry.actor else {
            return strings(entry.address.isEmpty ? "audit.command_line" : "audit.stranger")
        }
        return person(actor)
    }

    func person(_ id: Identifier) -> String {
        people.first { $0.id == id }?.email ?? strings("audit.gone_person", ["id": Self.end(of: id)])
    }

    /// What it was done to; `nil` for what is about nothing, or about who did it.
    func object(_ entry: AuditEntry) -> String? {
        guard let object = entry.object else { return nil }
        guard let id = Identifier(object) else { return object }
        if id == entry.actor || id == entry.account { return nil }
        if let user = people.first(where: { $0.id == id }) { return user.email }
        for all in [names.applications, names.keys] {
            if let found = all.first(where: { $0.id == id })?.name {
                return found.text + (found.hint.map { " " + $0 } ?? "")
            }
        }
        return Self.end(of: id)
    }

    private static func end(of id: Identifier) -> String { "…" + id.description.suffix(8) }
}
