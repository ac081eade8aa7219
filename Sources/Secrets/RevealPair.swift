import Crypto
import Foundation
package import Values

/// HPKE in its base mode (RFC 9180): X25519, HKDF-SHA256, AES-256-GCM, one message to one encapsulated key.
private enum Reveal {
    static let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)
    static let info = Data("latchkey reveal v1".utf8)
    static let encapsulatedLength = 32
    static let tagLength = 16
}

/// What the copies of an owner's secrets are sealed to. It opens none of them, so a server that holds it, and no
/// password, can keep copies but can't show one.
///
/// It is public, but not to be exchanged: what is sealed to another's key is the other's to open.
package struct RevealPublicKey: Sendable, Equatable {
    /// `v1.<base64url of the point>`.
    package let text: String
    private let key: Curve25519.KeyAgreement.PublicKey

    /// `nil` also for the few points of small order: whatever is sealed to these is open to all (RFC 7748 §6.1), and
    /// the library doesn't refuse them.
    package init?(_ text: String) {
        guard text.hasPrefix("v1."), let bytes = Base64.decode(text.dropFirst(3), forAddress: true),
            let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes),
            let shared = try? Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: key),
            shared.withUnsafeBytes({ $0.contains { $0 != 0 } })
        else { return nil }
        self.text = text
        self.key = key
    }

    fileprivate init(_ key: Curve25519.KeyAgreement.PublicKey) {
        text = "v1." + Base64.encode(key.rawRepresentation, forAddress: true)
        self.key = key
    }

    package static func == (one: RevealPublicKey, other: RevealPublicKey) -> Bool { one.text == other.text }

    /// The sealed copy, `v1.<base64url of encapsulated key and ciphertext>`. Each is under a key of its own, from the
    /// operating system's randomness.
    /// - Parameter context: what the secret belongs to, such as `credential:<id>`. It is authenticated: a copy moved to
    ///   another place does not open there. The sealer is not: whoever has the public key can seal.
    package func seal(_ secret: Secret, context: String) -> String {
        do {
            var sender = try HPKE.Sender(recipientKey: key, ciphersuite: Reveal.suite, info: Reveal.info)
            let sealed = try secret.withBytes { try sender.seal($0, authenticating: Array(context.utf8)) }
            return "v1." + Base64.encode(sender.encapsulatedKey + sealed, forAddress: true)
        } catch {
            // A point of 32 bytes is all that sealing asks for.
            preconditionFailure("HPKE refused a key of the right size")
        }
    }
}

/// What opens the copies. At rest it is a ``LockedRevealPair``; as this it is in memory only while a password is being
/// used.
///
/// Printing it shows nothing.
package struct RevealPrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
    static let length = 32
    /// The scalar, here rather than in a key of the library, since that one gives its bytes away in a copy.
    let secret: Secret

    /// `nil` for another length; any bytes of the right one are a key (RFC 7748 §5).
    init?(_ secret: Secret) {
        guard secret.count == Self.length else { return nil }
        self.secret = secret
    }

    package static func generate(_ entropy: Entropy) -> RevealPrivateKey {
        guard let key = RevealPrivateKey(.random(length, from: entropy)) else {
            preconditionFailure("entropy gave another number of bytes than asked for")
        }
        return key
    }

    package var publicKey: RevealPublicKey { RevealPublicKey(key.publicKey) }

    /// - Throws: for a copy that is malformed, altered, of another place or sealed to another key.
    package func open(_ sealed: String, context: String) throws(SealingError) -> Secret {
        guard sealed.hasPrefix("v1."), let bytes = Base64.decode(sealed.dropFirst(3), forAddress: true),
            bytes.count >= Reveal.encapsulatedLength + Reveal.tagLength
        else { throw SealingError() }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: Reveal.suite, info: Reveal.info,
                encapsulatedKey: Data(bytes.prefix(Reveal.encapsulatedLength)))
            let sealed = bytes.dropFirst(Reveal.encapsulatedLength)
            return Secret(Array(try recipient.open(sealed, authenticating: Array(context.utf8))))
        } catch {
            throw SealingError()
        }
    }

    package var description: String { "‹reveal key›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    private var key: Curve25519.KeyAgreement.PrivateKey {
        let key = secret.withBytes { try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0) }
        guard let key else { preconditionFailure("X25519 refused a scalar of the right size") }
        return key
    }
}
