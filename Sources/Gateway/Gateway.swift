package import Accounts
package import Applications
package import Catalog
package import Credentials
package import Database
import HTTPTypes
import Hummingbird
package import Metering
import NIOCore
import Policy
package import Web

package import struct Applications.Application

/// The data plane: what programs call with their key.
///
/// A call runs one way: the key out of the headers, `Credentials.verify`, policy, a hold on its cost, the app's prompt and
/// model put in, the upstream, the charge, and the answer passed on chunk by chunk. This room owns the routes of the OpenAI
/// dialect, the shape of their errors, what may pass to an upstream and back, when a call counts as served, and the built-in
/// echo upstream. It may not know a table or a rule: what a key may do is decided by `Policy` from the facts it is handed,
/// and what its credits cover by `Metering`.
///
/// One rule says what is charged (design §7): once the upstream has begun a successful answer, the call is, whether or not
/// its caller stays to hear it. Everything before that is void.
package struct Gateway: Sendable {
    package struct Limits: Sendable {
        /// The largest body a caller may send, in bytes.
        package var requestBytes = 4 << 20

        package init() {}
    }

    let accounts: Accounts
    let credentials: Credentials
    let applications: Applications
    let catalog: Catalog
    let metering: Metering
    let upstreams: Upstreams
    let callers: Callers
    let clock: Clock
    let limits: Limits

    package init(
        accounts: Accounts, credentials: Credentials, applications: Applications, catalog: Catalog, metering: Metering,
        upstreams: Upstreams, callers: Callers, clock: Clock, limits: Limits
    ) {
        self.accounts = accounts
        self.metering = metering
        self.credentials = credentials
        self.applications = applications
        self.catalog = catalog
        self.upstreams = upstreams
        self.callers = callers
        self.clock = clock
        self.limits = limits
    }

    /// The same operations at two addresses: where the key alone selects the app, and addressed to one app.
    package func declare(_ routes: inout Routes) {
        for prefix in ["/v1", "/apps/{application_id}/v1"] {
            routes.on(.post, prefix + "/chat/completions") { request, context in
                try await chatCompletion(request, context)
            }
            routes.on(.get, prefix + "/models") { request, context in try await models(request, context) }
            routes.on(.get, prefix + "/usage") { request, context in try await usage(request, context) }
        }
    }

    /// Whether a path belongs to the data plane, and so speaks its dialect also where nothing is served.
    package static func serves(path: String) -> Bool {
        ["/v1", "/apps"].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    // MARK: Admission

    /// A genuine, live key with the account and the app that it belongs to.
    struct Opened {
        let key: KeyRecord
        let account: Account
        let application: Application
        let bearer: String

        /// The pricing group of its calls.
        var group: String { account.group(chosen: key.group) }
    }

    /// Finds the key, and refuses it at another app's address, after its end, or while its account is suspended.
    func admit(_ request: Request, _ context: WebContext) async throws -> Opened {
        let opened = try await open(request, context)
        if let denial = Policy.admit(opened.account.facts) { throw denial }
        return opened
    }

    /// The same for who only asks how things stand, which a suspended account may.
    func open(_ request: Request, _ context: WebContext) async throws -> Opened {
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
        guard let application = try await applications.opened(key.facts.application),
            let account = try await accounts.opened(key.account)
        else { throw Denial.invalidKey }
        return Opened(key: key, account: account, application: application, bearer: bearer)
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
}
