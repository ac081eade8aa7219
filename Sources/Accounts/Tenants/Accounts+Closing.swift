package import Audit
package import Database
package import Values

/// The end of an account.
extension Accounts {
    /// What closing an account would end here.
    package struct Closing: Sendable {
        package let isClosed: Bool
        package let users: Int
    }

    /// Looks whether an account may be closed, as the transaction of `connection` sees it.
    /// - Parameter actor: who wants it. Nobody closes their own account, so an admin of another one is always left.
    package static func closing(
        _ id: Identifier, for actor: User, in connection: Connection
    ) throws -> Closing {
        guard let account = try AccountTable.find(id, connection) else { throw AccountsError.notFound }
        if account.closedAt != nil { return Closing(isClosed: true, users: 0) }
        if actor.account == id { throw AccountsError.ownAccount }
        guard try UserTable.countAdmins(outside: id, connection) > 0 else { throw AccountsError.lastAdmin }
        return Closing(isClosed: false, users: Int(try UserTable.count(of: id, connection)))
    }

    /// Closes an account for good: it is suspended, its people and open invitations go, and their addresses are free. The
    /// account stays, for the ledger and the record that name it. For the floor above, which ends its keys and apps in
    /// the same transaction and calls ``forget(_:)`` after its commit.
    package static func close(
        _ id: Identifier, by author: Author, at now: Timestamp, in connection: Connection
    ) throws {
        for user in try UserTable.all(of: id, connection) { try takeOut(user, author, now, connection) }
        try InvitationTable.deleteAll(to: id, connection)
        try AccountTable.close(id, now, connection)
        try author.record(.accountClose, account: id, object: id.description, at: now, in: connection)
    }
}
