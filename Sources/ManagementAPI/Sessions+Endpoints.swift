import Accounts
import HTTPTypes
import Hummingbird
import Policy
import Secrets
import Web

extension ManagementAPI {
    func declareSessions(_ routes: inout Routes) {
        open(&routes, .post, "/sessions") { request, context in
            var fields = FieldReader(try await request.jsonObject(limit: Self.openBodyLimit))
            let email: EmailAddress = try fields.required("email")
            let password: Password = try fields.required("password")
            try fields.noOthers()
            let (actor, token) = try await accounts.signIn(email: email, password: password, peer: context.peer)
            guard let session = actor.session else { throw Problem.internalError }
            var response = Response.json(session.json(of: actor), status: .created)
            // The prefix makes browsers hold us to Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2).
            response.headers[.setCookie] =
                "\(Self.cookieName)=\(token.exposed()); Path=/; Secure; HttpOnly; SameSite=Strict"
            return response
        }

        on(&routes, .get, "/sessions/current", needs: .session) { call in
            guard let session = call.actor.session else { throw Refusal.sessionRequired }
            return .json(session.json(of: call.actor))
        }

        on(&routes, .delete, "/sessions/current", needs: .session) { call in
            guard let session = call.actor.session else { throw Refusal.sessionRequired }
            try await accounts.signOut(session)
            var headers: HTTPFields = [.clearSiteData: "\"cookies\""]
            headers[.setCookie] = "\(Self.cookieName)=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
            return Response(status: .noContent, headers: headers)
        }
    }
}

extension Session {
    fileprivate func json(of actor: Actor) -> JSON {
        [
            "csrf_token": .string(csrfToken), "expires_at": .string(expiresAt.rfc3339),
            "idle_expires_at": .string(idleExpiresAt.rfc3339), "user": actor.user.json,
        ]
    }
}
