import TestSupport
import Values

@testable import Accounts

/// Callers as values, for questions that need no row of anybody.
extension Actor {
    /// The account of all of them.
    static let home = Identifier(at: Timestamp(microseconds: 0), random: (1, 8))

    private static func user(_ role: Role, isAdmin: Bool) -> User {
        User(
            id: Identifier(at: Timestamp(microseconds: 0), random: (1, 4)), account: home, email: "ada@example.com",
            role: role, isAdmin: isAdmin, hasSecondFactor: false, createdAt: Timestamp(microseconds: 0))
    }

    /// Somebody who is signed in, and may do all that their user may.
    /// - Parameter isFresh: whether they have just proved who they are, or a little too long ago.
    static func person(_ hand: HandClock, _ role: Role, isAdmin: Bool = false, isFresh: Bool = true) -> Actor {
        let user = user(role, isAdmin: isAdmin)
        let provedAt = isFresh ? hand.now : hand.now.adding(.zero - Session.freshness)
        let end = hand.now.adding(.seconds(3600))
        let session = Session(
            id: Identifier(at: hand.now, random: (1, 12)), expiresAt: end, idleExpiresAt: end, provedAt: provedAt,
            freshUntil: provedAt.adding(Session.freshness), csrfToken: "")
        return Actor(user: user, scopes: Set(Scope.allCases.filter { $0.isOpen(to: user) }), session: session)
    }

    /// A platform token, with those of its scopes that its user's role covers.
    static func token(_ scopes: [Scope], _ role: Role = .root, isAdmin: Bool = false) -> Actor {
        let user = user(role, isAdmin: isAdmin)
        return Actor(user: user, scopes: Set(scopes.filter { $0.isOpen(to: user) }), session: nil)
    }
}
