package import Applications
package import Catalog
package import Credentials
package import Database
import HTTPTypes
import Hummingbird
import NIOCore
import Policy
package import Web

package import struct Applications.Application

/// The data plane: what programs call with their key.
///
/// A call runs one way: the key out of the headers, `Credentials.verify`, policy, the app's prompt and model put in, the
/// upstream, and its answer passed on chunk by chunk. This room owns the routes of the OpenAI dialect, the shape of their
/// errors, what may pass to an upstream and back, and the built-in echo upstream. It may not know a table or a rule: what
/// a key may do is decided by `Policy` from the facts it is handed.
package struct Gateway: Sendable {
    package struct Limits: Sendable {
        /// The largest body a caller may send, in bytes.
        package var requestBytes = 4 << 20

        package init() {}
    }

    private let credentials: Credentials
    private let applications: Applications
    private let catalog: Catalog
    private let upstreams: Upstreams
    private let callers: Callers
    private let clock: Clock
    private let limits: Limits

    package init(
        credentials: Credentials, applications: Applications, catalog: Catalog, upstreams: Upstreams,
        callers: Callers, clock: Clock, limits: Limits
    ) {
        self.credentials = credentials
        self.applications = applications
        self.catalog = catalog
        self.upstreams = upstreams
        self.callers = callers
        self.clock = clock
        self.limits = limits
    }

    /// The same two operations at two addresses: where the key alone selects the app, and addressed to one app.
    package func declare(_ routes: inout Routes) {
        for prefix in ["/v1", "/apps/{application_id}/v1"] {
            routes.on(.post, prefix + "/chat/completions") { request, context in
                try await chatCompletion(request, context)
            }
            routes.on(.get, prefix + "/models") { request, context in try await models(request, context) }
        }
    }

    /// Whether a path belongs to the data plane, and so speaks its dialect also where nothing is served.
    package static func serves(path: String) -> Bool {
        ["/v1", "/apps"].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    // MARK: Endpoints

    private func chatCompletion(_ request: Request, _ context: WebContext) async throws -> Response {
        // The key is checked before the body is read, and the call has its place among those under way: nobody makes the
        // server take in 4 MiB without a key, nor more of them at once than it has places for.
        _ = try await admit(request, context)
        let place = try upstreams.enter()
        let call = try ChatCall(await request.jsonObject(limit: limits.requestBytes))
        // And again after it: how long a body takes is up to the caller, and what was decided meanwhile binds this call.
        let (opened, bearer) = try await admit(request, context)
        let requested = try await requestedModel(call.model)
        let facts = CallFacts(addressedApplication: nil, model: requested, time: clock.now())
        let model = try Policy.decide(facts, key: opened.key.facts, app: opened.application.rules).get()
        guard let route = try await catalog.route(model) else { throw Denial.modelNotFound }
        let headers = ForwardedHeaders.toUpstream(request.headers, withoutKey: bearer)
        let sent = call.asSentTo(route, by: opened.application)
        let end = upstreams.deadline()
        do {
            let answer = try await callers.whilePresent(on: context.channel, until: end) {
                try await upstreams.complete(sent, headers, route, until: end, context.logger)
            }
            return answer.response(holding: place, for: callers, on: context.channel, until: end)
        } catch is Callers.DeadlinePassed {
            throw Denial.upstreamTimeout
        }
    }

    private func models(_ request: Request, _ context: WebContext) async throws -> Response {
        let (opened, _) = try await admit(request, context)
        let created = Int64(opened.application.createdAt.microseconds / 1_000_000)
        return .json([
            "object": "list",
            "data": .array(
                opened.application.chat.allowedModels.map { name -> JSON in
                    [
                        "id": .string(name), "object": "model", "created": .number(JSONNumber(created)),
                        "owned_by": "latchkey",
                    ]
                }),
        ])
    }

    // MARK: Admission

    /// A genuine, live key and the app it opens.
    private struct Opened {
        let key: KeyRecord
        let application: Application
    }

    /// Finds the key, and refuses it at another app's address or after its end.
    private func admit(_ request: Request, _ context: WebContext) async throws -> (Opened, bearer: String) {
        let bearer = try Self.bearer(request.headers)
        let key = try await credentials.verify(bearer)
        var facts = CallFacts(addressedApplication: nil, model: .none, time: clock.now())
        if let address = context.parameters.get("application_id") {
            // An address that is no identifier at all is some other app's as well: one answer for all that isn't this app.
            guard let id = Identifier(address) else { throw Denial.wrongApp }
            facts.addressedApplication = id
        }
        if let denial = Policy.admit(facts, key: key.facts) { throw denial }
        // The app goes together with its keys; a key that outlives it by the length of a commit opens nothing.
        guard let application = try await applications.opened(key.facts.application) else { throw Denial.invalidKey }
        return (Opened(key: key, application: application), bearer)
    }

    private static func bearer(_ headers: HTTPFields) throws -> String {
        switch BearerCredential(headers) {
        case .token(let token): return token
        case .malformed: throw Denial.invalidKey
        case .none: throw Denial.missingKey
        case .several:
            throw Problem(
                .badRequest, Denial.missingKey.rawValue,
                "Exactly one Authorization header is needed, but several were sent.")
        }
    }

    private func requestedModel(_ name: String?) async throws -> RequestedModel {
        guard let name else { return .none }
        return try await catalog.route(name) == nil ? .unknown : .known(name)
    }
}
