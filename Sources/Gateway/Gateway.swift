import Accounts
package import Admission
package import Catalog
package import Credentials
import Database
package import HTTP
import HTTPTypes
import Hummingbird
package import Metering
import NIOCore
import Policy
package import Values
package import Web

/// The data plane: what programs call with their key.
///
/// A call runs one way: the key out of the headers, `Admission`, a hold on its cost, the app's prompt and model put in,
/// the upstream, the charge, and the answer passed on chunk by chunk. This room owns the routes of the OpenAI dialect,
/// the shape of their errors, what may pass to an upstream and back, when a call counts as served, and the built-in
/// echo upstream. It must not know a table or a rule: what a key may do is decided by `Admission`, and what its credits
/// cover by `Metering`.
///
/// One rule says what is charged (design §7): a call is charged once the upstream has begun a successful answer, even
/// if the caller leaves. Before that, it costs nothing, and its hold is given back.
package struct Gateway: Sendable {
    package struct Limits: Sendable {
        /// The largest body a caller may send, in bytes.
        package var requestBytes = 32 << 20
        static let requestBytesSetting = "gateway.max_request_bytes"

        package init() {}
    }

    let admission: Admission
    let credentials: Credentials
    let catalog: Catalog
    let metering: Metering
    let upstreams: Upstreams
    let places: CallPlaces
    let callers: Callers
    let clock: Clock
    let limits: Limits

    package init(
        admission: Admission, credentials: Credentials, catalog: Catalog, metering: Metering, upstreams: Upstreams,
        places: CallPlaces, callers: Callers, clock: Clock, limits: Limits
    ) {
        self.admission = admission
        self.metering = metering
        self.credentials = credentials
        self.catalog = catalog
        self.upstreams = upstreams
        self.places = places
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

    // MARK: Admission

    /// Opens the key and runs every check that needs no body.
    /// - Parameter evenSuspended: for who only asks how things stand, which a suspended account may.
    func admit(
        _ bearer: String, _ request: Request, _ context: WebContext, evenSuspended: Bool = false
    ) async throws -> (Admission.Opened, CallFacts) {
        let (opened, facts) = try await open(bearer, request, context)
        let call = try addressed(facts, context)
        try admission.admit(opened, call, evenSuspended: evenSuspended)
        return (opened, call)
    }

    /// Opens the key; nothing is decided yet.
    func open(
        _ bearer: String, _ request: Request, _ context: WebContext
    ) async throws -> (Admission.Opened, CallFacts) {
        let now = clock.now()
        do {
            let opened = try await admission.open(bearer, at: now)
            return (opened, CallFacts(address: context.client, origin: Self.origin(request.headers), time: now))
        } catch Denial.invalidKey {
            throw KeyFault(in: Text(bearer), shape: credentials.shape)?.problem ?? Denial.invalidKey.problem
        }
    }

    /// The call with the app that its address names.
    func addressed(_ call: CallFacts, _ context: WebContext) throws(Denial) -> CallFacts {
        guard let address = context.parameters.get("application_id") else { return call }
        // An address that is no identifier at all is some other app's as well: one answer for all that isn't this app.
        guard let id = Identifier(address) else { throw .wrongApp }
        var call = call
        call.addressedApplication = id
        return call
    }

    /// What a browser says of the page that makes it call. Browsers alone may set these headers (Fetch §2.2.2), so
    /// where there is one, a browser is at work, or something that wants to be taken for one. `Sec-Fetch-Mode` alone means
    /// nothing: Node's own fetch sends it.
    static func origin(_ headers: HTTPFields) -> WebOrigin {
        var origins: [String] = []
        var isBrowser = false
        for field in headers {
            let name = field.name.canonicalName
            if field.value.isEmpty { continue }
            if name == "origin" {
                origins.append(field.value)
            } else if name == "sec-fetch-site" {
                isBrowser = true
            }
        }
        guard let origin = origins.first else { return isBrowser ? .unknown : .none }
        return origins.count == 1 ? WebOrigin(header: origin) : .unknown
    }

    static func bearer(_ headers: HTTPFields) throws -> String {
        switch BearerCredential(headers) {
        case .token(let token): return token
        case .malformed(let value): throw KeyFault(header: value).problem
        case .none: throw Denial.missingKey
        case .several:
            throw Problem(
                .badRequest, Denial.missingKey.rawValue,
                "Exactly one Authorization header is needed, but several were sent.")
        }
    }
}
