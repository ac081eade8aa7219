import Accounts
import Entrance
package import HTTP
import HTTPTypes
package import Hummingbird
import Logging
package import Management
import NIOCore
package import Secrets
package import Values
package import Web

/// The pages that people manage everything with: `/console/…`.
///
/// Pages are made on the server and work without a script. Every handler is thin: who asks, decode, one operation of
/// ``Management``, a page or a redirect. This room owns what pages look like and say. It holds no rule, no permission and
/// no SQL: what an operation needs and what it allows stands in `Management`, which the JSON API asks as well.
package struct Console: Sendable {
    let management: Management
    let templates: Templates
    let catalogues: [Language: Strings]
    let assets = Assets()
    let waiting: WaitingSignIns
    let sent: SentForms
    let passes: PagePasses
    let entropy: Entropy
    let clock: Clock

    /// - Throws: when a template or a catalogue, which are in the binary, can't be read.
    package init(_ management: Management, passes: PagePasses, entropy: Entropy, clock: Clock) throws {
        self.management = management
        self.passes = passes
        templates = try Templates()
        let english = try Strings(.english, PackageResources.en_json)
        catalogues = [
            .english: english,
            .simplifiedChinese: try Strings(.simplifiedChinese, PackageResources.zh_Hans_json, english: english),
        ]
        waiting = WaitingSignIns(entropy: entropy, clock: clock)
        sent = SentForms(clock: clock)
        self.entropy = entropy
        self.clock = clock
    }

    package func declare(_ routes: inout Routes) {
        assets.declare(&routes)
        declareStart(&routes)
        declareSignIn(&routes)
        declareComingIn(&routes)
        declarePreferences(&routes)
        declareApplications(&routes)
        declareKeys(&routes)
        declareUsage(&routes)
        declareLiveUsage(&routes)
        declareMembers(&routes)
        declarePlatformTokens(&routes)
        declareAudit(&routes)
        declareAccounts(&routes)
        declareProviders(&routes)
        declareGroups(&routes)
        declareHealth(&routes)
        declareAccount(&routes)
    }

    /// Whether a path is one of a page, where problems are said in pages too.
    package static func serves(_ path: String) -> Bool {
        let path = Text(path)
        return path == "/" || path == "/console" || path.hasPrefix("/console/")
    }

    // MARK: Pages

    typealias Show = @Sendable (Visit) async throws -> Response
    typealias Take = @Sendable (Visit, Form) async throws -> Response

    /// Declares a page for who has what an operation needs.
    func page(_ routes: inout Routes, _ path: String, for operation: Operation, _ show: @escaping Show) {
        routes.on(.get, "/console" + path) { request, context in
            try await guarding(try await visit(request, context)) { visit in
                guard visit.caller.actor != nil else { return visit.toSignIn() }
                try management.check(operation, visit.caller, in: visit.caller.actor?.account)
                return try await show(visit)
            }
        }
    }

    /// Declares what takes a form of who has what an operation needs: from a page of ours, with the session's token.
    /// - Parameter operation: `nil` where only the form tells which one it is.
    func form(_ routes: inout Routes, _ path: String, for operation: Operation?, _ take: @escaping Take) {
        routes.on(.post, "/console" + path) { request, context in
            try Forgery.refuseForeign(request)
            // How long a body takes to come is up to the caller; who they are is asked when all of it is there.
            let isClaimed = SessionCookie.value(in: request.headers) != nil
            let bytes = try await request.formBody(limit: isClaimed ? Form.longest : Form.longestOpen)
            return try await guarding(try await visit(request, context)) { visit in
                let form = try Form(bytes, visit.strings)
                guard let session = visit.caller.actor?.session else { return try await visit.sessionEnded(form) }
                guard FormToken.isSame(form.text("csrf"), as: session.csrfToken) else { throw Forgery.refusal }
                if let operation { try management.check(operation, visit.caller, in: visit.caller.actor?.account) }
                do {
                    return try await once(visit, form, session.id, take)
                } catch let error as any PublicError where error.problem.status.kind == .clientError {
                    return try await visit.errorPage(error.problem, typed: form)
                }
            }
        }
    }

    /// Declares a page that anybody may see.
    func openPage(_ routes: inout Routes, _ path: String, _ show: @escaping Show) {
        routes.on(.get, path) { request, context in
            try await guarding(try await visit(request, context), show)
        }
    }

    /// Declares what takes a form of anybody, from a page of ours.
    /// - Parameter limit: in bytes.
    func openForm(
        _ routes: inout Routes, _ path: String, limit: Int = Form.longestOpen, _ take: @escaping Take
    ) {
        routes.on(.post, path) { request, context in
            try Forgery.refuseForeign(request)
            let bytes = try await request.formBody(limit: limit)
            return try await guarding(try await visit(request, context)) { visit in
                try await take(visit, Form(bytes, visit.strings))
            }
        }
    }

    /// Who is there, in which language. A session that has ended is that of a stranger.
    private func visit(_ request: Request, _ context: WebContext) async throws -> Visit {
        var caller = management.stranger(at: context.client)
        if let token = SessionCookie.value(in: request.headers) {
            do {
                caller = management.caller(
                    try await management.actor(.session(token), from: context.client), at: context.client)
            } catch {
                guard error.code == .unauthenticated else { throw error }
            }
        }
        return Visit(console: self, request: request, context: context, caller: caller)
    }

    /// Says a refusal inside the frame, so that the person can go on. What failed inside goes to the front door, which
    /// logs it.
    private func guarding(_ visit: Visit, _ show: Show) async throws -> Response {
        do {
            return visit.kept(try await show(visit))
        } catch let error as any PublicError where error.problem.status.kind == .clientError {
            return visit.kept(try await visit.errorPage(error.problem))
        } catch let hole as Templates.Hole {
            visit.context.logger.error("a page lacks values", metadata: ["names": "\(hole.names.sorted())"])
            throw Problem.internalError
        }
    }

    /// A problem as a page, for who may be anybody.
    package func response(_ problem: Problem, _ request: Request, _ context: WebContext) -> Response {
        let visit = Visit(
            console: self, request: request, context: context, caller: management.stranger(at: context.client))
        do {
            return try visit.bareErrorPage(problem)
        } catch {
            return Response(ProblemDialect().answer(problem))
        }
    }
}
