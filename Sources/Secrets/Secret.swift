import Glibc
package import Values

/// The room of everything that must stay secret: how secrets are stored in memory, hashed and sealed, and the format of
/// bearer tokens.
///
/// It owns the one type that carries a secret, Argon2id with its threads, the deployment's two keys and what is derived
/// from them, and the format of tokens. It must not know what a secret is for: no domain, no SQL, no HTTP.
///
/// This type is a secret in memory. It can't be printed, reflected, compared with `==` or encoded, so that none of these
/// happens by accident; its bytes are overwritten when the last copy goes. ``exposed()`` is the one way out.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let storage: Storage

    package init(_ bytes: [UInt8]) { storage = Storage(bytes) }

    package init(_ text: String) { storage = Storage(text.utf8) }

    /// So many bytes from a source of randomness.
    package static func random(_ count: Int, from entropy: Entropy) -> Secret { Secret(entropy.bytes(count)) }

    package var count: Int { storage.bytes.count }

    package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        // The last use of the storage is here, not where its pointer is read: without this, the bytes of a temporary
        // could be zeroed and freed while `body` still looks at them.
        try withExtendedLifetime(storage) { () throws(E) -> R in try body(UnsafeRawBufferPointer(storage.bytes)) }
    }

    /// The text, for the one place it has to go to. Named so that a reader finds each use.
    package func exposed() -> String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// Compares in a time that depends on the lengths alone.
    package func isSame(as other: Secret) -> Bool {
        withBytes { mine in
            other.withBytes { theirs in
                guard mine.count == theirs.count else { return false }
                var difference: UInt8 = 0
                for index in mine.indices { difference |= mine[index] ^ theirs[index] }
                return difference == 0
            }
        }
    }

    package var description: String { "‹secret›" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// The bytes, outside of any array that could be copied without a trace.
    private final class Storage: Sendable {
        /// Written in `init` and `deinit` only, read in between: sharing it between threads is safe.
        nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

        init(_ source: some Collection<UInt8>) {
            bytes = .allocate(byteCount: source.count, alignment: 1)
            bytes.copyBytes(from: source)
        }

        deinit {
            // A plain loop could be left out by the optimiser as a write that nobody reads.
            if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
            bytes.deallocate()
        }
    }
}
