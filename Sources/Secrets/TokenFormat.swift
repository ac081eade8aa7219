import Crypto
package import Values

/// The shape of every bearer token: a prefix, then 51 base62 characters: a public id of 12, a secret of 22 (131 bits),
/// a keyed tag of 11, a checksum of 6.
///
/// The checksum tells a real token from a look-alike offline, for whoever scans a leak. The tag tells one of ours from
/// a forged one with one HMAC and no look-up, so that forged keys cost microseconds though real ones are Argon2id at
/// rest. The id alone is what logs, lists and hints show.
///
/// Printing it shows nothing: the prepared HMAC in it is as good as its key.
package struct TokenFormat: Sendable, CustomStringConvertible, CustomReflectable {
    package let shape: TokenShape
    /// Keyed once: a copy of its state costs half of what keying costs.
    private let tagging: HMAC<SHA256>

    /// - Parameter prefix: 1 to 16 of letters, digits, `-` and `_`, ending in one of the latter two.
    package init(prefix: String, keys: DeploymentSecrets) throws(TokenFormatError) {
        shape = try TokenShape(prefix: prefix)
        var tagging = HMAC<SHA256>(key: keys.tagKey)
        tagging.update(data: shape.prefixBytes)
        self.tagging = tagging
    }

    /// The prefix alone.
    package var description: String { "‹token format \(prefix)›" }
    /// No children.
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    package var prefix: String { shape.prefix }

    /// As much of a token as may be shown: three and two characters of its public id.
    package func hint(forID id: TokenID) -> String { shape.hint(forID: id) }

    package func mint(_ entropy: Entropy) -> MintedToken {
        var body = Base62.random(TokenID.length + PresentedToken.secretLength, entropy)
        body += Base62.digits(of: tag(over: body[...]), count: PresentedToken.tagLength)
        body += shape.checksum(of: body)
        let whole = shape.prefixBytes + body
        guard let token = PresentedToken(whole, prefixLength: shape.prefixBytes.count) else {
            preconditionFailure("a minted token has base62 digits only")
        }
        return MintedToken(id: token.id, hint: hint(forID: token.id), secret: Secret(whole), presented: token)
    }

    /// Reads a token: its shape and its checksum. Needs no key and no look-up; says nothing about who made it.
    package func parse(_ text: some StringProtocol) -> PresentedToken? { shape.parse(text) }

    /// Whether this deployment has made the token: the keyed tag, compared in constant time.
    package func isGenuine(_ token: PresentedToken) -> Bool {
        let payload = TokenID.length + PresentedToken.secretLength
        let expected = Base62.digits(of: tag(over: token.body.prefix(payload)), count: PresentedToken.tagLength)
        let given = token.body.dropFirst(payload).prefix(PresentedToken.tagLength)
        return zip(given, expected).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The first 64 bits of HMAC-SHA256 over prefix, id and secret.
    private func tag(over idAndSecret: ArraySlice<UInt8>) -> UInt64 {
        var code = tagging
        code.update(data: idAndSecret)
        return code.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The public part of a token: 12 base62 characters in two words.
package struct TokenID: Sendable, Hashable {
    /// In characters.
    package static let length = 12
    private let high: UInt64
    private let low: UInt64

    package init?(_ text: some StringProtocol) { self.init(bytes: text.utf8) }

    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            guard Base62.value(byte) != nil else { return nil }
            if index < 6 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        (high, low) = words
    }

    package var text: String {
        let bytes = (0..<Self.length).map { index -> UInt8 in
            let word = index < 6 ? high : low
            let shift = UInt64(40 - index % 6 * 8)
            return UInt8(truncatingIfNeeded: word >> shift)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A token as somebody sent it: well-formed, not yet known to be genuine. Not printable, not comparable, not encodable.
package struct PresentedToken: Sendable, CustomStringConvertible, CustomReflectable {
    static let secretLength = 22
    static let tagLength = 11
    static let checksumLength = 6
    static let length = TokenID.length + secretLength + tagLength + checksumLength

    package let id: TokenID
    /// The whole token.
    let bytes: [UInt8]
    private let prefixLength: Int

    /// Everything after the prefix.
    var body: ArraySlice<UInt8> { bytes[prefixLength...] }

    init?(_ bytes: [UInt8], prefixLength: Int) {
        let body = bytes[prefixLength...]
        guard body.count == Self.length, let id = TokenID(bytes: body.prefix(TokenID.length)),
            body.allSatisfy({ Base62.value($0) != nil })
        else { return nil }
        self.id = id
        self.bytes = bytes
        self.prefixLength = prefixLength
    }

    package var description: String { "‹token›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A token at its birth.
package struct MintedToken: Sendable {
    package let id: TokenID
    package let hint: String
    /// The whole text, for the one answer that carries it and for the hash.
    package let secret: Secret
    package let presented: PresentedToken
}
