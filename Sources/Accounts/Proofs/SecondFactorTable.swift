import Database
import Secrets
import Values

/// The SQL of a user's second factor: columns of `users`, and `recovery_codes`.
enum SecondFactorTable {
    static func context(_ user: Identifier) -> String { "second factor:\(user)" }

    /// Uses a code up, in the transaction of what it is for: each works once.
    static func use(
        _ code: SecondFactorCode, of user: Identifier, _ now: Timestamp, _ parts: Accounts.Parts,
        _ connection: Connection
    ) throws {
        switch code.kind {
        case .recovery(let code):
            let digest = parts.keys.lookupDigest(of: code, purpose: "recovery code")
            let count = try connection.run(
                "DELETE FROM recovery_codes WHERE digest = $1 AND user_id = $2", digest, user)
            if count == 0 { throw AccountsError.signInFailed }
        case .digits(let digits):
            // Taken away meanwhile: then the password, which was right, is all that is asked for.
            guard let sealed = try secret(of: user, connection) else { return }
            let last = try connection.row("SELECT totp_step FROM users WHERE id = $1", user)?
                .optionalInteger("totp_step")
            let totp = try open(sealed, of: user, parts)
            guard let step = totp.step(matching: digits.exposed(), at: now.seconds, after: last) else {
                throw AccountsError.signInFailed
            }
            try connection.run("UPDATE users SET totp_step = $2 WHERE id = $1", user, step)
        }
    }

    static func open(_ sealed: String, of user: Identifier, _ parts: Accounts.Parts) throws -> TOTP {
        TOTP(secret: try parts.keys.sealing.open(sealed, context: context(user)))
    }

    static func secret(of user: Identifier, _ connection: Connection) throws -> String? {
        try connection.row("SELECT totp_secret FROM users WHERE id = $1", user)?.optionalText("totp_secret")
    }

    static func draft(of user: Identifier, _ connection: Connection) throws -> String? {
        try connection.row("SELECT totp_draft FROM users WHERE id = $1", user)?.optionalText("totp_draft")
    }

    static func setDraft(_ sealed: String, of user: Identifier, _ connection: Connection) throws {
        try connection.run("UPDATE users SET totp_draft = $2 WHERE id = $1", user, sealed)
    }

    static func set(_ sealed: String, step: Int64, of user: Identifier, _ connection: Connection) throws {
        try connection.run(
            "UPDATE users SET totp_secret = $2, totp_step = $3, totp_draft = NULL WHERE id = $1", user, sealed, step)
    }

    static func remove(of user: Identifier, _ connection: Connection) throws {
        try connection.run(
            "UPDATE users SET totp_secret = NULL, totp_draft = NULL, totp_step = NULL WHERE id = $1", user)
        try connection.run("DELETE FROM recovery_codes WHERE user_id = $1", user)
    }

    static func setRecoveryCodes(_ digests: [String], of user: Identifier, _ connection: Connection) throws {
        try connection.run("DELETE FROM recovery_codes WHERE user_id = $1", user)
        for digest in digests {
            try connection.run("INSERT INTO recovery_codes (digest, user_id) VALUES ($1, $2)", digest, user)
        }
    }
}
