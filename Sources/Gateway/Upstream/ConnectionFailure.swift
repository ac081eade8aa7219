import Catalog
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Why no connection to an upstream came to be, in our own words: an upstream's would be a stranger's in the log.
enum ConnectionFailure: Equatable {
    case said(String, ProviderTest.Fault)
    /// TLS only says that the certificate was not accepted; ``CertificateProbe`` finds out why.
    case unverified
    /// It took too long.
    case late

    /// `nil` for an error of another kind.
    init?(_ error: any Error, at origin: Origin) {
        switch error {
        case ChannelError.connectTimeout, is HandshakeWait.Late: self = .late
        case ChannelError.eof: self = .said("it broke off the TLS handshake", .tlsFailed)
        case NIOSSLError.handshakeFailed(.sslError(let errors)), NIOSSLError.handshakeFailed(.unknownError(let errors)):
            self = Self.handshake(errors)
        case NIOSSLError.handshakeFailed, NIOSSLError.uncleanShutdown:
            self = .said("it broke off the TLS handshake", .tlsFailed)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self = .said(
                "its certificate is for another host name than \(origin.host)", .certificateForOtherName)
        case let error as NIOConnectionError:
            if let one = error.connectionErrors.first?.error as? IOError {
                self = Self.failure(of: one)
            } else {
                self = .said("no address was found for the host name \(origin.host)", .nameNotFound)
            }
        case let error as IOError: self = Self.failure(of: error)
        default: return nil
        }
    }

    private static func failure(of error: IOError) -> ConnectionFailure {
        .said(
            "no connection to its port: \(String(cString: strerror(error.errnoCode)))",
            error.errnoCode == ECONNREFUSED ? .connectionRefused : .unreachable)
    }

    /// BoringSSL writes its reasons as `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at …`.
    private static func handshake(_ errors: NIOBoringSSLErrorStack) -> ConnectionFailure {
        if errors.contains(.eofDuringHandshake) { return .said("it broke off the TLS handshake", .tlsFailed) }
        let reasons = errors.compactMap { error in
            error.description.split(separator: "OPENSSL_internal:").dropFirst().first?.prefix { $0 != " " }
        }
        if reasons.contains("CERTIFICATE_VERIFY_FAILED") { return .unverified }
        if reasons.contains("WRONG_VERSION_NUMBER") || reasons.contains("HTTP_REQUEST") {
            return .said("it does not speak TLS there", .tlsFailed)
        }
        guard let reason = reasons.first else { return .said("the TLS handshake failed", .tlsFailed) }
        // What the other side tells us has ALERT in its name: it may want another version, or a certificate of ours.
        return .said(
            reason.contains("ALERT")
                ? "it refused the TLS handshake: \(reason)" : "the TLS handshake failed: \(reason)", .tlsFailed)
    }
}
