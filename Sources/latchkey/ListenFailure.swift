import Glibc
import NIOCore

/// Why the server can't listen where it was told to, and what to do about it.
struct ListenFailure {
    let host: String
    let port: Int
    let reason: String

    /// `nil` for an error that has nothing to do with listening.
    init?(_ error: any Error, host: String, port: Int) {
        switch error {
        case let error as IOError: reason = Self.reason(error.errnoCode, port: port)
        case is SocketAddressError, is SocketAddressError.UnknownHost: reason = Self.unknownHost
        default: return nil
        }
        self.host = host
        self.port = port
    }

    var sentence: String { "latchkey can't listen on \(host) port \(port): \(reason)." }

    private static let unknownHost =
        "no address has this name; give an address of this machine, or 0.0.0.0 for all of them (--host)"

    private static func reason(_ code: CInt, port: Int) -> String {
        switch code {
        case EADDRINUSE: "another program listens there; stop it, or take another port (--port)"
        case EADDRNOTAVAIL:
            "this machine does not have this address; give one that it has, or 0.0.0.0 for all of them (--host)"
        case EAFNOSUPPORT: "this machine has no addresses of this kind; give one that it has (--host)"
        case EACCES where port < 1024:
            "this user may not use a port below 1024; take a higher one (--port), or give the process CAP_NET_BIND_SERVICE"
        default: String(cString: strerror(code))
        }
    }
}
