package import Database
package import Policy
package import Secrets

/// The record of what admins did: who, what, on what, from where, when.
///
/// An entry is written in the transaction that does what it tells, so neither is ever there without the other. Entries
/// are only added. This room owns the tables `audit` and `audit_details`. It may not know what
/// an action means; it keeps what the floors above say about theirs, and no secret is ever part of that.
package struct Audit: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The newest first.
    package func entries(_ page: Page) async throws -> Listing<AuditEntry> {
        try await database.read { Listing(try AuditTable.page(page, $0), page, id: \.id) }
    }

    /// Adds an entry in the transaction of `connection`.
    package static func record(_ entry: AuditEntry, in connection: Connection) throws {
        try AuditTable.insert(entry, connection)
    }
}

/// Who asks for a change, from where and when: what an entry needs beside the change itself.
package struct Origin: Sendable {
    /// The user; `nil` for the command line, and for who sets the first admin up.
    package var actor: Identifier?
    /// The address of the peer; empty for the command line.
    package var address: String
    private let entropy: Entropy

    /// - Parameter entropy: for the identifiers of entries.
    package init(actor: Identifier?, address: String, entropy: Entropy) {
        self.actor = actor
        self.address = address
        self.entropy = entropy
    }

    /// The entry that this origin makes of an action.
    package func entry(
        _ action: AuditEntry.Action, account: Identifier?, object: String?, detail: [String: String], at time: Timestamp
    ) -> AuditEntry {
        AuditEntry(
            id: Identifier(at: time, random: (entropy.word(), entropy.word())), at: time, actor: actor, action: action,
            account: account,
            object: object, detail: detail, address: address)
    }
}

/// One thing that somebody did.
package struct AuditEntry: Sendable {
    package enum Action: String, Sendable, CaseIterable {
        case accountCreate = "account.create"
        case accountEdit = "account.edit"
        case accountSuspend = "account.suspend"
        case accountResume = "account.resume"
        case creditsGrant = "credits.grant"
        case creditsAdjust = "credits.adjust"
        case modelCreate = "model.create"
        case modelDelete = "model.delete"
        case groupCreate = "group.create"
        case groupEdit = "group.edit"
        case multiplierCreate = "multiplier.create"
        case multiplierWithdraw = "multiplier.withdraw"
        case priceCreate = "price.create"
        case priceWithdraw = "price.withdraw"
    }

    package var id: Identifier
    package var at: Timestamp
    package var actor: Identifier?
    package var action: Action
    /// The account that it was done to.
    package var account: Identifier?
    /// What it was done to: an identifier, or a name where that is what names the object.
    package var object: String?
    /// What changed, by field.
    package var detail: [String: String]
    package var address: String
}
