package import Accounts
package import Admission
package import Applications
package import Audit
package import Catalog
package import Credentials
import HTTP
import HTTPTypes
import Hummingbird
import JSON
package import Metering
package import Values
package import Web

/// The JSON API with which people and their tools manage everything: `/api/v1/…`.
///
/// Every endpoint is thin: who asks and may they, decode, one use case, encode. What each needs stands in its route's
/// declaration, so the table of routes reads as the table of permissions. This room owns the shapes of requests and
/// answers and the public side of every domain error. It must hold no SQL and no rule.
package struct ManagementAPI: Sendable {
    let accounts: Accounts
    let catalog: Catalog
    let applications: Applications
    let credentials: Credentials
    let metering: Metering
    let admission: Admission
    let audit: Audit
    let clock: Clock
    let writeRate: WriteRate
    /// Set while nobody has been here yet.
    let firstRun: FirstRun?

    package init(
        accounts: Accounts, catalog: Catalog, applications: Applications, credentials: Credentials, metering: Metering,
        admission: Admission, audit: Audit, clock: Clock, writeRate: WriteRate, firstRun: FirstRun?
    ) {
        self.metering = metering
        self.admission = admission
        self.audit = audit
        self.accounts = accounts
        self.catalog = catalog
        self.applications = applications
        self.credentials = credentials
        self.clock = clock
        self.writeRate = writeRate
        self.firstRun = firstRun
    }

    package func declare(_ routes: inout Routes) {
        declareSetUp(&routes)
        declareSessions(&routes)
        declareSecondFactor(&routes)
        declarePasswords(&routes)
        declareAccounts(&routes)
        declareUsers(&routes)
        declarePlatformTokens(&routes)
        declareCatalog(&routes)
        declareApplications(&routes)
        declareCredentials(&routes)
        declareSecrets(&routes)
        declareVerify(&routes)
        declarePrices(&routes)
        declareGroups(&routes)
        declareCredits(&routes)
        declareUsage(&routes)
        declareLedger(&routes)
        declareAudit(&routes)
    }

    /// The largest body of a management call, in bytes. A system prompt of 32,768 characters has to fit, at up to six
    /// bytes each where a client escapes everything.
    static let bodyLimit = 256 * 1024

    /// The same where anybody may call, in bytes: a password of 4,096 characters fits, however it is escaped.
    static let openBodyLimit = 64 * 1024

    /// Declares an endpoint that anybody may call.
    /// - Parameter takesQuery: whether it reads parameters of the address; where it doesn't, they are refused.
    func open(
        _ routes: inout Routes, _ method: HTTPRequest.Method, _ path: String, takesQuery: Bool = false,
        _ handle: @escaping @Sendable (Request, WebContext) async throws -> Response
    ) {
        routes.on(method, "/api/v1" + path) { request, context in
            // A parameter that is ignored would be one that somebody believes in.
            if !takesQuery { try QueryReader(request).noOthers() }
            var response = try await handle(request, context)
            response.headers[.cacheControl] = "no-store"
            return response
        }
    }

    /// Declares an endpoint for whoever has what it needs.
    /// - Parameter isPaced: whether it counts in the rate of the account's changes. A `POST` that only looks does not, nor
    ///   does one that is paced by the hash of a password. What takes something away never does, so that an account can
    ///   always end the token that floods it.
    func on(
        _ routes: inout Routes, _ method: HTTPRequest.Method, _ path: String, needs need: Need,
        takesQuery: Bool = false, isPaced: Bool = true,
        _ handle: @escaping @Sendable (ManagementCall) async throws -> Response
    ) {
        let isPaced = isPaced && (method == .post || method == .patch)
        open(&routes, method, path, takesQuery: true) { request, context in
            let actor = try await authenticate(request)
            try authorize(actor, need)
            if isPaced, let seconds = writeRate.take(from: actor.account, at: clock.now()) {
                throw Refusal.tooManyChanges(retryAfterSeconds: seconds)
            }
            if !takesQuery { try QueryReader(request).noOthers() }
            let author = author(of: context, by: actor.user.id)
            return try await handle(ManagementCall(request: request, context: context, actor: actor, author: author))
        }
    }
}

extension ManagementAPI {
    /// Who asks and from where, for the audit record.
    /// - Parameter user: `nil` where that is not known yet.
    func author(of context: WebContext, by user: Identifier? = nil) -> Author {
        audit.author(actor: user, address: context.client?.description ?? "unknown")
    }
}

/// One management call by somebody who was let in.
struct ManagementCall {
    let request: Request
    let context: WebContext
    let actor: Actor
    /// Who asks and from where, for the audit record.
    let author: Author

    /// For an endpoint that needs a person.
    func session() throws(Problem) -> Session {
        guard let session = actor.session else { throw Refusal.sessionRequired }
        return session
    }

    /// An identifier in the path. What is no identifier names nothing.
    func identifier(_ name: String) throws -> Identifier {
        guard let id = context.parameters.get(name).flatMap({ Identifier($0) }) else { throw Problem.notFound }
        return id
    }

    func fields() async throws -> FieldReader {
        FieldReader(try await request.jsonObject(limit: ManagementAPI.bodyLimit))
    }

    /// For a call that changes something and takes no fields: a body, if there is one, must be an object without any.
    func noFields() async throws {
        if request.headers[.contentType] == nil, request.headers[.contentLength].map({ $0 == "0" }) ?? true { return }
        try await fields().noOthers()
    }

    /// The query, every parameter of which must be read.
    func query() throws -> QueryReader { try QueryReader(request) }
}
