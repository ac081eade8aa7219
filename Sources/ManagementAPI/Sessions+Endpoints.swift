import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Management
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareSessions(_ routes: inout Routes) {
        open(&routes, .post, "/sessions") { call in
            var fields = try await call.fields()
            let email: EmailAddress = try fields.required("email")
            let proof = try fields.proof()
            try fields.noOthers()
            // Before the password is looked at: the sign-in would succeed, and the next call be refused all the same.
            if PlainHTTP.losesCookies(
                call.request.headers, authority: call.request.head.authority, peer: call.context.peer)
            {
                call.context.logger.notice("a sign-in over plain HTTP: \(Self.httpsRequired.detail)")
                throw Self.httpsRequired
            }
            return Self.answer(try await management.createSession(call.caller, email: email, proof), status: .created)
        }

        on(&routes, .get, "/sessions/current", for: .getSession) { call in
            let (user, session) = try await management.getSession(call.caller)
            return .json(.object(session.json(of: user)))
        }

        on(&routes, .post, "/sessions/current/reauthentication", for: .reauthenticate) { call in
            var fields = try await call.fields()
            let proof = try fields.proof()
            try fields.noOthers()
            return Self.answer(try await management.reauthenticate(call.caller, proof), status: .ok)
        }

        on(&routes, .get, "/sessions", for: .listSessions, takesQuery: true) { call in
            let (sessions, current) = try await management.listSessions(call.caller, try call.page())
            return sessions.json { session in
                [
                    "id": .string(session.id.description), "created_at": .string(session.createdAt.rfc3339),
                    "last_seen_at": .string(session.lastSeenAt.rfc3339),
                    "expires_at": .string(session.expiresAt.rfc3339), "current": .bool(session.id == current),
                ]
            }
        }

        on(&routes, .delete, "/sessions/{session_id}", for: .endSession) { call in
            try await management.endSession(call.caller, call.identifier("session_id"))
            return Response(status: .noContent)
        }

        on(&routes, .delete, "/sessions/current", for: .deleteSession) { call in
            try await management.deleteSession(call.caller)
            var headers: HTTPFields = [.clearSiteData: "\"cookies\""]
            headers[.setCookie] = SessionCookie.clearing
            return Response(status: .noContent, headers: headers)
        }
    }

    private static let httpsRequired = Problem(
        .forbidden, "https_required",
        "Sign in over HTTPS: browsers and curl drop the session cookie when it comes over plain HTTP. Use an https address "
            + "(put a proxy with TLS in front of the server), or call from the server's own machine at http://localhost. "
            + "If you use https already, the proxy must send X-Forwarded-Proto: https."
    )

    private static func answer(_ opened: OpenedSession, status: HTTPResponse.Status) -> Response {
        var response = Response.json(.object(opened.session.json(of: opened.user)), status: status)
        response.headers[.setCookie] = SessionCookie.setting(opened.token)
        return response
    }
}

extension FieldReader {
    /// A password, and a code where one is sent.
    mutating func proof(_ passwordField: String = "password") throws(InvalidField) -> Proof {
        Proof(password: try required(passwordField), code: try settable("code"))
    }
}

extension Session {
    fileprivate func json(of user: User) -> JSONObject {
        [
            "csrf_token": .string(csrfToken), "expires_at": .string(expiresAt.rfc3339),
            "idle_expires_at": .string(idleExpiresAt.rfc3339), "fresh_until": .string(freshUntil.rfc3339),
            "user": user.json,
        ]
    }
}
