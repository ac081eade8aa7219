import Accounts
package import Audit
import Catalog
package import Database
package import Values

/// What a key opens.
///
/// An application belongs to one account for ever. An application of kind `chat` has a model of the catalog, a system
/// prompt, the models that its callers may name, and default parameters. This room owns applications and the tables
/// `applications` and `application_models`. It must not know a key: deleting an app together with its keys is the use
/// case of the floor above, which calls ``remove(_:of:in:)`` in its own transaction.
package struct Applications: Sendable {
    private let database: Database
    private let generations: Generations
    private let entropy: Entropy
    private let clock: Clock
    private let held: ReadThrough<Identifier, Application>

    package init(database: Database, generations: Generations, entropy: Entropy, clock: Clock) {
        self.database = database
        self.generations = generations
        self.entropy = entropy
        self.clock = clock
        held = ReadThrough(capacity: 20_000) { id in try await database.read { try ApplicationTable.find(id, $0) } }
    }

    package func create(
        _ draft: ApplicationDraft, in account: Identifier, by author: Author
    ) async throws -> Application {
        let now = clock.now()
        let application = Application(
            id: Identifier(at: now, random: (entropy.word(), entropy.word())), account: account, name: draft.name.text,
            chat: draft.chat, createdAt: now, updatedAt: now)
        try await database.write { connection in
            // Closed since the caller was let in.
            guard try Accounts.isOpen(account, in: connection) else { throw ApplicationsError.accountClosed }
            try Self.check(application.chat, in: connection)
            guard try ApplicationTable.count(of: account, connection) < Application.limit else {
                throw ApplicationsError.limitReached
            }
            try ApplicationTable.insert(application, connection)
            try author.record(
                .applicationCreate, account: account, object: application.id.description,
                detail: ["name": application.name], at: now, in: connection)
        }
        return application
    }

    package func list(of account: Identifier, _ page: Page) async throws -> Listing<Application> {
        try await database.read { Listing(try ApplicationTable.page(of: account, page, $0), page, id: \.id) }
    }

    package func find(_ id: Identifier, of account: Identifier) async throws -> Application {
        guard let application = try await database.read({ try ApplicationTable.find(id, of: account, $0) }) else {
            throw ApplicationsError.notFound
        }
        return application
    }

    /// Binds the very next call. What changes nothing writes nothing.
    package func edit(
        _ id: Identifier, of account: Identifier, _ edit: ApplicationEdit, by author: Author
    ) async throws -> Application {
        let now = clock.now()
        let application = try await database.write { connection in
            guard let old = try ApplicationTable.find(id, of: account, connection) else {
                throw ApplicationsError.notFound
            }
            var application = old
            try edit.apply(to: &application)
            try Self.check(application.chat, in: connection)
            let changes = application.changes(from: old)
            if changes.isEmpty { return old }
            application.updatedAt = now
            try ApplicationTable.update(application, connection)
            try author.record(
                .applicationEdit, account: account, object: id.description, detail: changes.detail, at: now,
                in: connection)
            return application
        }
        forget(id, of: account)
        return application
    }

    /// What a call needs of an app: from memory once it was read, never older than the last edit. The gateway alone
    /// asks without an account, with the id that stands in the key's own record.
    package func opened(_ id: Identifier) async throws -> Application? { try await held.value(id) }

    // MARK: For the floor above, inside its transaction

    /// `nil` when there is none in this account.
    package static func application(
        _ id: Identifier, of account: Identifier, in connection: Connection
    ) throws -> Application? {
        try ApplicationTable.find(id, of: account, connection)
    }

    /// All of an account.
    package static func all(of account: Identifier, in connection: Connection) throws -> [Identifier] {
        try ApplicationTable.all(of: account, connection)
    }

    /// Marks the app as deleted; its row stays for the history that names it.
    package func remove(
        _ id: Identifier, of account: Identifier, by author: Author, in connection: Connection
    ) throws {
        let now = clock.now()
        guard try ApplicationTable.remove(id, of: account, now, connection) else { throw ApplicationsError.notFound }
        try author.record(
            .applicationDelete, account: account, object: id.description, at: now, in: connection)
    }

    /// To be called after the commit of a change or a removal and before its answer.
    package func forget(_ id: Identifier, of account: Identifier) {
        held.invalidate(id)
        generations.changed(account)
    }

    private static func check(_ chat: ChatSettings, in connection: Connection) throws {
        if try Catalog.firstUnknown([chat.model], in: connection) != nil {
            throw ApplicationsError.unknownModel(field: "model")
        }
        if let index = try Catalog.firstUnknown(chat.allowedModels, in: connection) {
            throw ApplicationsError.unknownModel(field: "allowed_models[\(index)]")
        }
    }
}

/// Why an app can't be made or changed as asked.
package enum ApplicationsError: Error, Sendable, Equatable {
    case notFound
    case accountClosed
    case limitReached
    case unknownModel(field: String)
    case modelNotAmongAllowed
    case repeatedModel(index: Int)
}
