import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import Secrets
import Values

/// What an endpoint asks of its caller.
enum Need {
    /// A session or a platform token with this scope.
    case scope(Scope)
    /// The same, and the user must be an admin though the scope alone does not say so.
    case adminScope(Scope)
    /// Whoever was let in. The endpoint looks at whose object it is.
    case signedIn
    /// A person: a session, which no platform token stands in for.
    case session
    /// A person who has proved a short time ago who they are.
    case freshSession
    /// A scope as above; a session must also be fresh. A platform token was given the scope for just this.
    case fresh(Scope)
}

extension ManagementAPI {
    static let cookieName = "__Host-latchkey"

    /// Who calls: by session cookie or by platform token, and by exactly one of them.
    func authenticate(_ request: Request) async throws -> Actor {
        let cookie = Self.sessionCookie(request.headers)
        switch BearerCredential(request.headers) {
        case .several: throw Refusal.ambiguous
        case .malformed: throw Refusal.unauthenticated(presented: true)
        case .token(let token):
            if cookie != nil { throw Refusal.ambiguous }
            guard let actor = try await accounts.actor(platformToken: token) else {
                throw Refusal.unauthenticated(presented: true)
            }
            return actor
        case .none:
            guard let cookie else { throw Refusal.unauthenticated(presented: false) }
            guard let actor = try await accounts.actor(sessionToken: Secret(cookie)), let session = actor.session else {
                throw Refusal.unauthenticated(presented: true)
            }
            try checkForgery(request, session)
            return actor
        }
    }

    func authorize(_ actor: Actor, _ need: Need) throws(Problem) {
        switch need {
        case .session: if actor.session == nil { throw Refusal.sessionRequired }
        case .signedIn: break
        case .freshSession:
            try authorize(actor, .session)
            try checkFresh(actor)
        case .fresh(let scope):
            try authorize(actor, .scope(scope))
            try checkFresh(actor)
        case .adminScope(let scope):
            if !actor.user.isAdmin { throw Refusal.adminOnly }
            try authorize(actor, .scope(scope))
        case .scope(let scope):
            if scope.needsAdmin, !actor.user.isAdmin { throw Refusal.adminOnly }
            if !scope.isOpen(to: actor.user) { throw Refusal.rootOnly }
            if !actor.scopes.contains(scope) { throw Refusal.insufficientScope(scope) }
        }
    }

    /// Whoever calls by session must have proved a short time ago who they are.
    func checkFresh(_ actor: Actor) throws(Problem) {
        if let session = actor.session, !session.isFresh(at: clock.now()) { throw Refusal.reauthenticationRequired }
    }

    /// Lets into the affairs of an account: its own people with one scope, admins of the deployment with another. To
    /// anybody else the account is an absent one.
    func authorize(_ actor: Actor, for account: Identifier, own: Scope, any: Scope) throws(Problem) {
        if actor.scopes.contains(any) { return }
        guard account == actor.account else { throw .notFound }
        try authorize(actor, .scope(own))
    }

    /// A browser sends the cookie with whatever a foreign page makes it send. What changes something must therefore
    /// also carry a header that only our own page can know, and must not say that it comes from elsewhere.
    private func checkForgery(_ request: Request, _ session: Session) throws(Problem) {
        if let origin = request.headers[.origin].map({ Text($0) }) {
            guard let host = request.head.authority,
                origin == Text("http://" + host) || origin == Text("https://" + host)
            else { throw Refusal.csrf }
        }
        if request.method == .get || request.method == .head { return }
        guard let token = request.headers[.csrfToken], Secret(token).isSame(as: Secret(session.csrfToken)) else {
            throw Refusal.csrf
        }
    }

    /// The value of our cookie; `nil` when it is absent.
    private static func sessionCookie(_ headers: HTTPFields) -> String? {
        for header in headers[values: .cookie] {
            for pair in Text(header).split(on: ";") {
                guard let (name, value) = pair.trimmed.split(atFirst: "=") else { continue }
                if name == Text(cookieName) { return value.string }
            }
        }
        return nil
    }
}

/// The refusals of this room itself.
enum Refusal {
    static func unauthenticated(presented: Bool) -> Problem {
        Problem(
            .unauthorized, "unauthenticated",
            presented
                ? "The platform token or session is not valid, or no longer. An app's key does not work here."
                : "Sign in, or send a platform token as: Authorization: Bearer <token>."
        ).with(.wwwAuthenticate, BearerCredential.challenge(presented: presented))
    }

    static let ambiguous = Problem(
        .badRequest, "ambiguous_credentials",
        "The request carries more than one credential; send one Authorization header, or one session cookie.")

    static let csrf = Problem(
        .forbidden, "csrf_failed",
        "A call with a session needs its csrf_token in the X-CSRF-Token header, and must not come from another site.")

    static let sessionRequired = Problem(
        .forbidden, "session_required", "This takes a signed-in person; a platform token is not enough.")

    static let reauthenticationRequired = Problem(
        .forbidden, "reauthentication_required",
        "This takes a proof of who you are from the last five minutes: POST your password, and your code if you have a "
            + "second factor, to /api/v1/sessions/current/reauthentication, and repeat the call.")

    static func tooManyChanges(retryAfterSeconds seconds: Int) -> Problem {
        Problem(
            .tooManyRequests, "too_many_changes",
            "The account asks for more changes than it may in a minute. Try again in \(seconds) "
                + "second\(seconds == 1 ? "" : "s")."
        )
        .with(.retryAfter, String(seconds))
    }

    static let rootOnly = Problem(.forbidden, "root_only", "This is for root users of the account.")

    static let adminOnly = Problem(.forbidden, "admin_only", "This is for admins of the deployment.")

    static let accountClosed = Problem(
        .conflict, "account_closed", "The account is closed, for good. Its ledger and its records can be read.")

    static func insufficientScope(_ scope: Scope) -> Problem {
        Problem(.forbidden, "insufficient_scope", "The platform token does not have the scope \(scope.rawValue).")
            .with(.wwwAuthenticate, #"Bearer realm="latchkey", error="insufficient_scope", scope="\#(scope.rawValue)""#)
    }
}
