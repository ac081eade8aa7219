import Glibc
import NIOCore
package import NIOSSL

/// The authorities that a provider's certificate may come from.
///
/// These are the system's, or in their place those of the file that `SSL_CERT_FILE` names, which means this to most
/// programs (OpenSSL, curl, Go). A setting can add more: a company's own authority for a provider in its own network,
/// without giving up the public ones.
package struct TrustedAuthorities: Sendable {
    /// A file that can't be used. The sentence names it and who has named it.
    package struct Failure: Error {
        package let sentence: String
    }

    private let roots: NIOSSLTrustRoots
    private let added: [NIOSSLCertificate]

    /// - Parameters:
    ///   - replacement: the value of `SSL_CERT_FILE`.
    ///   - addition: of the setting that is called `name`.
    package init(replacement: String?, addition: String?, name: String) throws(Failure) {
        if let replacement {
            roots = .certificates(try Self.certificates(replacement, namedBy: "SSL_CERT_FILE"))
        } else {
            // Without any file the default would fail each connection, also where the added ones would do.
            roots = Self.systemPlaces.contains { access($0, R_OK) == 0 } ? .default : .certificates([])
        }
        added = try addition.map { path throws(Failure) in try Self.certificates(path, namedBy: name) } ?? []
    }

    /// Nobody is trusted: no connection by TLS can be made.
    package var isEmpty: Bool { roots == .certificates([]) && added.isEmpty }

    /// For connections to upstreams: full verification, of the host name too. Made once, for it reads all certificates.
    package func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = roots
        configuration.additionalTrustRoots = [.certificates(added)]
        // TLS 1.0 and 1.1 must not be used any more (RFC 8996).
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // A peer that does not answer our goodbye must not keep the connection.
        configuration.shutdownTimeout = .seconds(1)
        return try NIOSSLContext(configuration: configuration)
    }

    /// Where the library looks for the system's authorities (`LinuxCABundle.swift` of swift-nio-ssl).
    private static let systemPlaces = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs",
    ]

    private static func certificates(_ path: String, namedBy name: String) throws(Failure) -> [NIOSSLCertificate] {
        guard access(path, R_OK) == 0 else {
            throw Failure(
                sentence:
                    "The file \(path) with authorities (\(name)) can't be read: \(String(cString: strerror(errno))).")
        }
        let found = (try? NIOSSLCertificate.fromPEMFile(path)) ?? []
        if found.isEmpty {
            throw Failure(
                sentence: "The file \(path) with authorities (\(name)) must hold one or more certificates in PEM form.")
        }
        return found
    }
}
