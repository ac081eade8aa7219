import Applications
import Credentials
import Database
import Management
import Values

/// The names of the account's apps and keys, for figures that have only their identifiers.
struct Names: Sendable {
    /// What something is called.
    struct Name: Sendable {
        let text: String
        /// What tells a key apart from others of its name.
        let hint: String?
    }

    /// In the order of the lists.
    private(set) var applications: [(id: Identifier, name: Name)] = []
    private(set) var keys: [(id: Identifier, name: Name)] = []
    private let strings: Strings
    /// Whether they are those of another account, which nobody but its own people may know.
    private let areHidden: Bool

    /// The newest hundred of each.
    /// - Parameter other: an account that is not the person's own.
    init(_ visit: Visit, of other: Identifier? = nil) async throws(Refusal) {
        (strings, areHidden) = (visit.strings, other != nil)
        if areHidden { return }
        let (management, caller) = (visit.management, visit.caller)
        let limit = Page.limits.upperBound
        applications = try await management.listApplications(caller, Page(limit: limit)).items.map {
            ($0.id, Name(text: $0.name, hint: nil))
        }
        keys = try await management.listCredentials(caller, KeyListQuestion(), limit: limit).items.map {
            ($0.credential.id, Self.name($0.credential, visit.strings))
        }
    }

    /// Looks up those that are older than the newest hundred.
    mutating func find(
        applications wanted: some Sequence<Identifier>, keys wantedKeys: some Sequence<Identifier>, _ visit: Visit
    ) async throws(Refusal) {
        if areHidden { return }
        for id in Set(wanted) where !applications.contains(where: { $0.id == id }) {
            do {
                let found = try await visit.management.getApplication(visit.caller, id)
                applications.append((id, Name(text: found.name, hint: nil)))
            } catch { guard error.code == .notFound else { throw error } }
        }
        for id in Set(wantedKeys) where !keys.contains(where: { $0.id == id }) {
            do {
                let found = try await visit.management.getCredential(visit.caller, id)
                keys.append((id, Self.name(found.credential, strings)))
            } catch { guard error.code == .notFound else { throw error } }
        }
    }

    private static func name(_ key: Credential, _ strings: Strings) -> Name {
        Name(text: key.name.isEmpty ? strings("key.unnamed") : key.name, hint: key.hint)
    }

    func application(_ id: Identifier?) -> Name {
        Self.name(id, in: applications, strings(areHidden ? "usage.application" : "usage.gone_application"))
    }

    func key(_ id: Identifier?) -> Name {
        Self.name(id, in: keys, strings(areHidden ? "usage.key" : "usage.gone_key"))
    }

    /// What is deleted or another account's has no name here; the end of its identifier tells it apart.
    private static func name(_ id: Identifier?, in all: [(id: Identifier, name: Name)], _ gone: String) -> Name {
        if let found = all.first(where: { $0.id == id }) { return found.name }
        return Name(text: gone, hint: id.map { "…" + $0.description.suffix(8) })
    }
}
