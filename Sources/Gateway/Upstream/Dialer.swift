package import Catalog
package import NIOCore

/// Makes connections to origins.
package protocol Dialer: Sendable {
    /// - Returns: on that event loop, a connected channel that reads only when asked to, TLS being established where the
    ///   origin wants it; or an ``UpstreamFailure``. It comes within the bound on connecting, whatever the other side does.
    func dial(_ origin: Origin, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel>
}
