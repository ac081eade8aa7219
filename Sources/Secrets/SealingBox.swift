import Crypto
package import Values

/// Keeps secrets that must be read again, such as a provider's: AES-256-GCM under a key derived from the master key.
package struct SealingBox: Sendable {
    private let key: SymmetricKey

    init(key: SymmetricKey) { self.key = key }

    /// The sealed text, `v1.<base64url of nonce, ciphertext and tag>`.
    /// - Parameter context: what the secret belongs to, such as `provider:<id>`. It is authenticated: a sealed text
    ///   moved to another place does not open there.
    package func seal(_ secret: Secret, context: String, entropy: Entropy) -> String {
        let plain = secret.withBytes { Array($0) }
        do {
            let nonce = try AES.GCM.Nonce(data: entropy.bytes(12))
            let box = try AES.GCM.seal(plain, using: key, nonce: nonce, authenticating: Array(context.utf8))
            return "v1." + Base64.encode(Array(box.nonce) + box.ciphertext + box.tag, forAddress: true)
        } catch {
            // A 256-bit key and a 12-byte nonce are all that sealing asks for.
            preconditionFailure("AES-GCM refused a key and nonce of the right sizes")
        }
    }

    package func open(_ sealed: String, context: String) throws(SealingError) -> Secret {
        guard let bytes = Self.bytes(sealed) else { throw SealingError() }
        do {
            let box = try AES.GCM.SealedBox(combined: bytes)
            return Secret(Array(try AES.GCM.open(box, using: key, authenticating: Array(context.utf8))))
        } catch {
            throw SealingError()
        }
    }

    /// How long the secret in a sealed text is; `nil` where no box could have written the text.
    static func length(of sealed: some StringProtocol) -> Int? {
        guard let count = bytes(sealed)?.count, count >= 12 + 16 else { return nil }
        return count - 12 - 16
    }

    private static func bytes(_ sealed: some StringProtocol) -> [UInt8]? {
        sealed.hasPrefix("v1.") ? Base64.decode(sealed.dropFirst(3), forAddress: true) : nil
    }
}

/// A sealed text that is malformed, altered, of another place or under another key.
package struct SealingError: Error, Sendable, Equatable {}
