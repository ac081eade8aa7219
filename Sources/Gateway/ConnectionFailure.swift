import Catalog
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Why no connection to an upstream came to be, in our own words: an upstream's would be a stranger's in the log.
enum ConnectionFailure: Equatable {
    case said(String)
    /// TLS only says that the certificate was not accepted; ``CertificateProbe`` finds out why.
    case unverified

    /// `nil` for an error of another kind.
    init?(_ error: any Error, at place: UpstreamPlace) {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let errors)), NIOSSLError.handshakeFailed(.unknownError(let errors)):
            self = Self.handshake(errors)
        case NIOSSLError.handshakeFailed, NIOSSLError.uncleanShutdown:
            self = .said("it broke off the TLS handshake")
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self = .said("its certificate is for another host name than \(place.host)")
        case let error as NIOConnectionError:
            if let one = error.connectionErrors.first?.error as? IOError {
                self = .said(Self.words(one))
            } else {
                self = .said("no address was found for the host name \(place.host)")
            }
        case let error as IOError: self = .said(Self.words(error))
        default: return nil
        }
    }

    private static func words(_ error: IOError) -> String {
        "no connection to its port: \(String(cString: strerror(error.errnoCode)))"
    }

    /// BoringSSL writes its reasons as `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at …`.
    private static func handshake(_ errors: NIOBoringSSLErrorStack) -> ConnectionFailure {
        if errors.contains(.eofDuringHandshake) { return .said("it broke off the TLS handshake") }
        let reasons = errors.compactMap { error in
            error.description.split(separator: "OPENSSL_internal:").dropFirst().first?.prefix { $0 != " " }
        }
        if reasons.contains("CERTIFICATE_VERIFY_FAILED") { return .unverified }
        if reasons.contains("WRONG_VERSION_NUMBER") || reasons.contains("HTTP_REQUEST") {
            return .said("it does not speak TLS there")
        }
        guard let reason = reasons.first else { return .said("the TLS handshake failed") }
        // What the other side tells us has ALERT in its name: it may want another version, or a certificate of ours.
        return .said(
            reason.contains("ALERT") ? "it refused the TLS handshake: \(reason)" : "the TLS handshake failed: \(reason)"
        )
    }
}

/// A host and a port, as a base URL names them.
struct UpstreamPlace: Hashable {
    let host: String
    let port: Int

    init(_ url: BaseURL) {
        let isPlain = url.text.lowercased().hasPrefix("http://")
        let authority = url.text.dropFirst(isPlain ? 7 : 8).prefix { $0 != "/" }
        let colon = authority.last == "]" ? nil : authority.lastIndex(of: ":")
        let name = authority[..<(colon ?? authority.endIndex)]
        host = String(name.first == "[" ? name.dropFirst().dropLast() : name)
        port = colon.flatMap { Int(authority[authority.index(after: $0)...]) } ?? (isPlain ? 80 : 443)
    }
}
