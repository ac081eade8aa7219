import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Secrets
import Values

/// Who calls, as HTTP says it: a session cookie with its token against forged requests, or a platform token.
extension ManagementAPI {
    /// Who calls: by session cookie or by platform token, and by exactly one of them.
    func authenticate(_ request: Request, from address: IPAddress?) async throws -> Actor {
        let cookie = SessionCookie.value(in: request.headers)
        switch BearerCredential(request.headers) {
        case .several: throw Self.ambiguous
        case .malformed: throw Refusal.unauthenticated(presented: true)
        case .token(let token):
            if cookie != nil { throw Self.ambiguous }
            return try await management.actor(.platformToken(token), from: address)
        case .none:
            guard let cookie else { throw Refusal.unauthenticated(presented: false) }
            let actor = try await management.actor(.session(cookie), from: address)
            guard let session = actor.session else { throw Refusal.unauthenticated(presented: true) }
            try checkForgery(request, session)
            return actor
        }
    }

    /// A browser sends the cookie with whatever a foreign page makes it send. What changes something must therefore
    /// also carry a header that only our own page can know, and must not say that it comes from elsewhere.
    private func checkForgery(_ request: Request, _ session: Session) throws(Problem) {
        if request.headers[.origin] != nil,
            PageOrigin(request.headers, authority: request.head.authority) != .own
        {
            throw Self.csrf
        }
        if request.method == .get || request.method == .head { return }
        guard let token = request.headers[.csrfToken], Secret(token).isSame(as: Secret(session.csrfToken)) else {
            throw Self.csrf
        }
    }

    private static let ambiguous = Problem(
        .badRequest, "ambiguous_credentials",
        "The request carries more than one credential; send one Authorization header, or one session cookie.")

    private static let csrf = Problem(
        .forbidden, "csrf_failed",
        "A call with a session needs its csrf_token in the X-CSRF-Token header, and must not come from another site.")
}
