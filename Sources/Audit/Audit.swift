package import Database
package import Secrets
package import Values

/// The record of who did what, on what, from where, when.
///
/// An entry is written in the transaction of the change that it describes, so neither exists without the other. Entries
/// are only added. Each has a keyed hash over itself and the entry before it, so a changed, removed or inserted entry
/// is found (``AuditCheck``). This room owns the tables `audit`, `audit_details` and `audit_ahead`. It must not know
/// what an action means; it keeps what the floors above say about theirs, and no secret is ever part of that.
package struct Audit: Sendable {
    private let database: Database
    private let chain: AuditChain
    private let entropy: Entropy

    /// - Parameter entropy: for the identifiers of entries.
    package init(database: Database, chain: AuditChain, entropy: Entropy) {
        self.database = database
        self.chain = chain
        self.entropy = entropy
    }

    /// - Parameters:
    ///   - actor: the user; `nil` for the command line, and for who is no user yet.
    ///   - address: of the client; empty for the command line.
    package func author(actor: Identifier?, address: String) -> Author {
        Author(actor: actor, address: address, chain: chain, entropy: entropy)
    }

    /// The newest first. A page may have fewer entries than its limit, even none, and a next one all the same.
    package func entries(_ filter: AuditFilter, _ page: Page) async throws -> Listing<AuditEntry> {
        try await database.read { try AuditTable.page(filter, page, $0) }
    }
}

/// Who asks for a change, and from where: what an entry needs beside the change itself.
package struct Author: Sendable {
    package let actor: Identifier?
    let address: String
    let chain: AuditChain
    let entropy: Entropy

    package init(actor: Identifier?, address: String, chain: AuditChain, entropy: Entropy) {
        self.actor = actor
        self.address = address
        self.chain = chain
        self.entropy = entropy
    }

    /// The same place, now that it is known who asks.
    package func by(_ user: Identifier) -> Author {
        Author(actor: user, address: address, chain: chain, entropy: entropy)
    }

    /// Adds an entry in the transaction of `connection`.
    package func record(
        _ action: AuditEntry.Action, account: Identifier?, object: String?, detail: [String: String] = [:],
        at time: Timestamp, in connection: Connection
    ) throws {
        let last = try AuditTable.last(connection)
        let sequence = (last?.link.sequence ?? 0) + 1
        // Newest first is the order of the chain, also within a millisecond and after a clock was set back.
        let id = Identifier(at: time, random: (entropy.word(), entropy.word()), after: last?.id)
        var entry = AuditEntry(
            id: id, link: AuditEntry.Link(sequence: sequence, hash: ""), at: time, actor: actor, action: action,
            account: account, object: object, detail: detail, address: address)
        entry.link.hash = entry.hash(after: last?.link.hash ?? "", chain)
        try AuditTable.insert(entry, connection)
    }
}
