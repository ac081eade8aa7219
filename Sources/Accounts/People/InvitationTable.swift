import Database
import Values

/// The SQL of `invitations`. One whose time ends later than any made now would was made by a clock that was ahead, and is
/// as good as over.
enum InvitationTable {
    private static func latest(_ now: Timestamp) -> Timestamp { now.adding(Invitation.lifetime + Timestamp.slack) }

    static func replace(
        _ invitation: Invitation, by user: Identifier?, _ digest: String, _ now: Timestamp, _ connection: Connection
    ) throws {
        try connection.run(
            "DELETE FROM invitations WHERE (account_id = $1 AND email = $2) OR expires_at <= $3 OR expires_at > $4",
            invitation.account, invitation.email, now, latest(now))
        try connection.run(
            """
            INSERT INTO invitations (id, account_id, email, role, invited_by, digest, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """, invitation.id, invitation.account, invitation.email, invitation.role.rawValue, user, digest,
            invitation.expiresAt)
    }

    static func page(
        of account: Identifier, _ page: Page, _ now: Timestamp, _ connection: Connection
    ) throws -> [Invitation] {
        try connection.rows(
            """
            SELECT * FROM invitations WHERE account_id = $1 AND id < $2 AND expires_at > $3 AND expires_at <= $5
            ORDER BY id DESC LIMIT $4
            """, account, page.bound, now, page.fetch, latest(now)
        ).map(invitation)
    }

    static func count(of account: Identifier, _ now: Timestamp, _ connection: Connection) throws -> Int64 {
        try connection.row(
            """
            SELECT count(*) AS open FROM invitations WHERE account_id = $1 AND expires_at > $2 AND expires_at <= $3
            """, account, now, latest(now)
        )?.integer("open") ?? 0
    }

    static func delete(_ id: Identifier, of account: Identifier, _ connection: Connection) throws -> Int {
        try connection.run("DELETE FROM invitations WHERE id = $1 AND account_id = $2", id, account)
    }

    static func deleteAll(to account: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM invitations WHERE account_id = $1", account)
    }

    static func deleteAll(by user: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM invitations WHERE invited_by = $1", user)
    }

    static func find(_ digest: String, _ now: Timestamp, _ connection: Connection) throws -> Invitation? {
        try connection.row(
            "SELECT * FROM invitations WHERE digest = $1 AND expires_at > $2 AND expires_at <= $3", digest, now,
            latest(now)
        ).map(invitation)
    }

    private static func invitation(_ row: Row) throws -> Invitation {
        Invitation(
            id: try row.identifier("id"), account: try row.identifier("account_id"), email: try row.text("email"),
            role: try row.role("role"), expiresAt: try row.time("expires_at"))
    }

    static func delete(_ digest: String, _ now: Timestamp, _ connection: Connection) throws -> Int {
        try connection.run(
            "DELETE FROM invitations WHERE digest = $1 AND expires_at > $2 AND expires_at <= $3", digest, now,
            latest(now))
    }
}
