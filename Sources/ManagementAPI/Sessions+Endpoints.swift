import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareSessions(_ routes: inout Routes) {
        open(&routes, .post, "/sessions") { request, context in
            var fields = FieldReader(try await request.jsonObject(limit: Self.openBodyLimit))
            let email: EmailAddress = try fields.required("email")
            let proof = try fields.proof()
            try fields.noOthers()
            let (actor, token) = try await accounts.signIn(
                email: email, proof, from: context.client, by: author(of: context))
            let losesCookie = PlainHTTP.losesCookies(
                request.headers, authority: request.head.authority, peer: context.peer)
            if losesCookie { context.logger.notice("a sign-in over plain HTTP: \(Self.lostCookie)") }
            return try Self.answer(actor, token, status: .created, warning: losesCookie ? Self.lostCookie : nil)
        }

        on(&routes, .get, "/sessions/current", needs: .session) { call in
            .json(.object(try call.session().json(of: call.actor)))
        }

        on(&routes, .post, "/sessions/current/reauthentication", needs: .session, isPaced: false) { call in
            var fields = try await call.fields()
            let proof = try fields.proof()
            try fields.noOthers()
            let (actor, token) = try await accounts.reauthenticate(
                call.actor, try call.session(), proof, from: call.context.client, by: call.author)
            return try Self.answer(actor, token, status: .ok)
        }

        on(&routes, .get, "/sessions", needs: .session, takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            let current = try call.session().id
            return try await accounts.sessions(of: call.actor.user.id, page).json { session in
                [
                    "id": .string(session.id.description), "created_at": .string(session.createdAt.rfc3339),
                    "last_seen_at": .string(session.lastSeenAt.rfc3339),
                    "expires_at": .string(session.expiresAt.rfc3339), "current": .bool(session.id == current),
                ]
            }
        }

        on(&routes, .delete, "/sessions/{session_id}", needs: .session) { call in
            try await accounts.endSession(call.identifier("session_id"), of: call.actor.user.id)
            return Response(status: .noContent)
        }

        on(&routes, .delete, "/sessions/current", needs: .session) { call in
            try await accounts.signOut(try call.session())
            var headers: HTTPFields = [.clearSiteData: "\"cookies\""]
            headers[.setCookie] = "\(Self.cookieName)=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
            return Response(status: .noContent, headers: headers)
        }
    }

    private static func answer(
        _ actor: Actor, _ token: Secret, status: HTTPResponse.Status, warning: String? = nil
    ) throws(Problem) -> Response {
        guard let session = actor.session else { throw Problem.internalError }
        var body = session.json(of: actor)
        body["warning"] = warning.map { .string($0) }
        var response = Response.json(.object(body), status: status)
        response.headers[.setCookie] = cookie(token)
        return response
    }

    /// The sign-in has succeeded, and the next call would be refused all the same.
    private static let lostCookie =
        "Browsers and curl drop the session cookie, because it came over plain HTTP. Use an https address (put a proxy "
        + "with TLS in front of the server), or call from the server's own machine at http://localhost."

    /// The prefix of the name makes browsers hold us to Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2).
    static func cookie(_ token: Secret) -> String {
        "\(cookieName)=\(token.exposed()); Path=/; Secure; HttpOnly; SameSite=Strict"
    }
}

extension FieldReader {
    /// A password, and a code where one is sent.
    mutating func proof(_ passwordField: String = "password") throws(InvalidField) -> Proof {
        Proof(password: try required(passwordField), code: try settable("code"))
    }
}

extension Session {
    fileprivate func json(of actor: Actor) -> JSONObject {
        [
            "csrf_token": .string(csrfToken), "expires_at": .string(expiresAt.rfc3339),
            "idle_expires_at": .string(idleExpiresAt.rfc3339), "fresh_until": .string(freshUntil.rfc3339),
            "user": actor.user.json,
        ]
    }
}
