import Crypto

/// The links of a chain of records, each over the one before it: a record that was changed, left out, put in or moved
/// breaks the chain from there on, and who can write to the database but has no master key can't mend it.
///
/// The end can still be cut off unseen; for that, the last link has to be kept elsewhere too.
///
/// Printing it shows nothing: the prepared HMAC in it is as good as its key.
package struct AuditChain: Sendable, CustomStringConvertible, CustomReflectable {
    /// Keyed once: a copy of its state costs half of what keying costs.
    private let keyed: HMAC<SHA256>

    init(key: SymmetricKey) { keyed = HMAC<SHA256>(key: key) }

    /// The link that follows another one: base64url of HMAC-SHA256 over that one and the fields of the record.
    ///
    /// Each is preceded by its length in bytes, so that no two lists of fields are the same bytes; `nil` is no empty
    /// text.
    /// - Parameter previous: the link before, or what a chain begins with.
    package func link(after previous: String, _ fields: [String?]) -> String {
        var bytes: [UInt8] = []
        for field in [previous] + fields {
            guard let field else {
                bytes.append(0)
                continue
            }
            bytes.append(1)
            withUnsafeBytes(of: UInt64(field.utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: field.utf8)
        }
        var code = keyed
        code.update(data: bytes)
        return Base64.encode(code.finalize(), forAddress: true)
    }

    package var description: String { "‹audit chain›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
