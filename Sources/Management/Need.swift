package import Accounts
import Values

/// One thing that an operation asks of its caller.
package enum Need: Sendable, Equatable {
    /// Anybody who has said who they are. What they may see is a matter of whose it is.
    case signedIn
    /// A person: a session, which no platform token stands in for.
    case person
    /// A person who has proved a few minutes ago who they are.
    case freshPerson
    /// If it is a person, a fresh one. A platform token was given its scope for just this.
    case freshness
    /// A session or a platform token with this scope, which the user's own role also covers.
    case scope(Scope)
    /// An operator, though the scope alone does not say so.
    case admin
    /// The account that it is about is the caller's own and they have the first scope, or they have the second one, which
    /// is for operators. To anybody else the account is an absent one.
    case account(own: Scope, any: Scope)
    /// The account is the caller's own, or they have this scope, which is for operators.
    case ownAccount(orAny: Scope?)
}

extension Need {
    /// Throws the refusal of whoever does not have it.
    /// - Parameter account: the one that the operation is about.
    func check(_ actor: Actor, account: Identifier?, at now: Timestamp) throws(Refusal) {
        switch self {
        case .signedIn: break
        case .person: if actor.session == nil { throw .sessionRequired }
        case .freshPerson:
            try Need.person.check(actor, account: account, at: now)
            try Need.freshness.check(actor, account: account, at: now)
        case .freshness:
            if let session = actor.session, !session.isFresh(at: now) { throw .reauthenticationRequired }
        case .scope(let scope):
            if scope.needsAdmin, !actor.user.isAdmin { throw .adminOnly }
            if !scope.isOpen(to: actor.user) { throw .rootOnly }
            if !actor.scopes.contains(scope) { throw .insufficientScope(scope) }
        case .admin: if !actor.user.isAdmin { throw .adminOnly }
        case .account(let own, let any):
            if actor.scopes.contains(any) { return }
            guard account == actor.account else { throw .notFound }
            try Need.scope(own).check(actor, account: account, at: now)
        case .ownAccount(let any):
            if account == actor.account { return }
            guard let any, actor.scopes.contains(any) else { throw .notFound }
        }
    }
}
