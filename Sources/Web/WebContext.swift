import HTTP
package import Hummingbird
import Logging
import NIOCore
package import Values

/// What the surfaces share that stand on Hummingbird: the front door, routes, and bodies in JSON.
///
/// The framework is imported here and above, nowhere below. This room must not know a domain: no account, no key, no app.
/// Which dialect a path speaks and what an error of a domain means are told to it from above.
///
/// This type is one request's context: Hummingbird's own, and where it comes from.
package struct WebContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The address of the connected peer, without port; empty when it has none (a unix socket).
    package let peer: String
    /// The address of the client, as far as it can be known: the peer's, or what a trusted proxy says. Set by
    /// ``RoutedResponder``.
    package var client: IPAddress?
    /// What the request is answered instead of being served.
    var refusal: Problem?
    /// In the answer and in the log. The framework's own ids count, and are read out of a logger that may keep none.
    package let requestID = RequestID.random()
    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? ""
        logger[metadataKey: "hb.request.id"] = .string(requestID)
    }
}
