import Accounts
import Database
import HTTP
import HTTPTypes
import Hummingbird
import JSON
package import Management
import Values
package import Web

/// The JSON API that people and their tools manage everything with: `/api/v1/…`.
///
/// Every endpoint is thin: who asks, decode, one operation of ``Management``, encode. This room owns the shapes of requests
/// and answers, and the status of every refusal. It holds no rule, no permission and no SQL: what an operation needs and
/// what it allows stands in `Management`, which the console asks as well.
package struct ManagementAPI: Sendable {
    let management: Management

    package init(_ management: Management) { self.management = management }

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
        declareHealth(&routes)
    }

    /// The largest body of a management call, in bytes. A system prompt of 32,768 characters has to fit, at up to six
    /// bytes each where a client escapes everything.
    static let bodyLimit = 256 * 1024

    /// The same where anybody may call, in bytes: a password of 4,096 characters fits, however it is escaped.
    static let openBodyLimit = 64 * 1024

    /// Declares an endpoint that anybody may call.
    func open(
        _ routes: inout Routes, _ method: HTTPRequest.Method, _ path: String,
        _ handle: @escaping @Sendable (ManagementCall) async throws -> Response
    ) {
        routes.on(method, "/api/v1" + path) { request, context in
            let caller = management.stranger(at: context.client)
            let call = ManagementCall(
                request: request, context: context, caller: caller, again: nil, bodyLimit: Self.openBodyLimit)
            try call.noQuery()
            return try await Self.unkept(handle(call))
        }
    }

    /// Declares an endpoint for who has what an operation needs.
    /// - Parameters:
    ///   - operation: looked into before the body is read; `nil` where only the body tells which one it is.
    ///   - takesQuery: whether it reads parameters of the address. Where it doesn't they are refused: one that is ignored
    ///     would be one that somebody believes in.
    func on(
        _ routes: inout Routes, _ method: HTTPRequest.Method, _ path: String, for operation: Operation?,
        takesQuery: Bool = false, _ handle: @escaping @Sendable (ManagementCall) async throws -> Response
    ) {
        routes.on(method, "/api/v1" + path) { request, context in
            let caller = management.caller(
                try await authenticate(request, from: context.client), at: context.client)
            let call = ManagementCall(
                request: request, context: context, caller: caller,
                again: { try await stillMay(operation, caller, request, context) }, bodyLimit: Self.bodyLimit)
            if !takesQuery { try call.noQuery() }
            if let operation { try management.check(operation, caller, in: try? call.identifier("account_id")) }
            return try await Self.unkept(handle(call))
        }
    }

    /// Asks once more who calls, and throws when that is somebody of other rights than before.
    private func stillMay(
        _ operation: Operation?, _ before: Caller, _ request: Request, _ context: WebContext
    ) async throws {
        let actor = try await authenticate(request, from: context.client)
        guard let old = before.actor, actor.scopes == old.scopes, actor.user.role == old.user.role,
            actor.user.isAdmin == old.user.isAdmin
        else {
            let account = context.parameters.get("account_id").flatMap { Identifier($0) }
            if let operation {
                try management.check(operation, management.caller(actor, at: context.client), in: account)
            }
            throw Refusal.unauthenticated(presented: true)
        }
    }

    /// Answers about accounts and keys are for who asked alone, and only for now.
    private static func unkept(_ response: Response) -> Response {
        var response = response
        response.headers[.cacheControl] = "no-store"
        return response
    }
}

/// One management call.
struct ManagementCall {
    let request: Request
    let context: WebContext
    let caller: Caller
    /// Throws when who calls has lost a right since the call began; `nil` where nobody has to be known.
    let again: (@Sendable () async throws -> Void)?
    /// In bytes.
    let bodyLimit: Int

    /// An identifier in the path. What is no identifier names nothing.
    func identifier(_ name: String) throws(Problem) -> Identifier {
        guard let id = context.parameters.get(name).flatMap({ Identifier($0) }) else { throw Problem.notFound }
        return id
    }

    /// How long a body takes to come is up to the caller. Who has lost a right meanwhile, or their sign-in, has lost it
    /// for this call too.
    func fields() async throws -> FieldReader {
        let fields = FieldReader(try await request.jsonObject(limit: bodyLimit))
        try await again?()
        return fields
    }

    /// For a call that changes something and takes no fields: a body, if there is one, must be an object without any.
    func noFields() async throws {
        if request.headers[.contentType] == nil, request.headers[.contentLength].map({ $0 == "0" }) ?? true { return }
        try await fields().noOthers()
    }

    /// The query, every parameter of which must be read.
    func query() throws(Problem) -> QueryReader { try QueryReader(request) }

    func noQuery() throws(Problem) { try query().noOthers() }

    /// For a list that takes no parameters beside those of its pages.
    func page() throws(Problem) -> Page {
        var query = try query()
        let page = try query.page()
        try query.noOthers()
        return page
    }
}
