package import Accounts
import Audit
package import Secrets
package import Values

/// Who asks for an operation, and from where.
package struct Caller: Sendable {
    /// `nil` for somebody who has not said who they are.
    package let actor: Actor?
    /// `nil` when it can't be known.
    package let address: IPAddress?
    /// The same, for the audit record.
    let author: Author
}

/// What a caller shows to say who they are.
package enum CallerCredential: Sendable {
    case session(Secret)
    case platformToken(String)
}
