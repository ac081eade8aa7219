/// What can be said of a token without any key: its prefix, its length, its characters and its checksum.
///
/// Enough to tell a real token from a look-alike in a leak, on a machine that knows no secret of the deployment.
package struct TokenShape: Sendable {
    package let prefix: String
    let prefixBytes: [UInt8]

    /// - Parameter prefix: 1 to 16 of letters, digits, `-` and `_`, ending in one of the latter two.
    package init(prefix: String) throws(TokenFormatError) {
        let bytes = Array(prefix.utf8)
        guard (1...16).contains(bytes.count), bytes.allSatisfy({ Base62.isDigit($0) || $0 == 0x2D || $0 == 0x5F }),
            bytes.last == 0x2D || bytes.last == 0x5F
        else { throw TokenFormatError() }
        self.prefix = prefix
        prefixBytes = bytes
    }

    /// A regular expression that finds a token in any text.
    package var pattern: String { prefix + "[0-9A-Za-z]{\(PresentedToken.length)}" }

    /// How many characters of the public id stand before and after the dots of a hint.
    package static let hintBegin = 3
    package static let hintEnd = 2

    /// As much of a token as may be shown: three and two characters of its public id.
    package func hint(forID id: TokenID) -> String {
        "\(prefix)\(id.text.prefix(Self.hintBegin))…\(id.text.suffix(Self.hintEnd))"
    }

    /// Reads a token: its shape and its checksum. Needs no key and no look-up; says nothing about who made it.
    package func parse(_ text: some StringProtocol) -> PresentedToken? { parse(Array(text.utf8)) }

    func parse(_ bytes: [UInt8]) -> PresentedToken? {
        guard bytes.count == length, bytes.starts(with: prefixBytes) else { return nil }
        let checksum = UInt64(CRC32.checksum(bytes.dropLast(PresentedToken.checksumLength)))
        guard Base62.number(bytes.suffix(PresentedToken.checksumLength)) == checksum else { return nil }
        return PresentedToken(bytes, prefixLength: prefixBytes.count)
    }

    /// Whether all after the prefix is of the alphabet.
    package func hasDigitsOnly(_ text: String) -> Bool {
        text.utf8.dropFirst(prefixBytes.count).allSatisfy(Base62.isDigit)
    }

    /// Of a whole token, in bytes.
    package var length: Int { prefixBytes.count + PresentedToken.length }

    /// The six characters that end a token with this body.
    func checksum(of body: [UInt8]) -> [UInt8] {
        Base62.digits(of: UInt64(CRC32.checksum(prefixBytes, body[...])), count: PresentedToken.checksumLength)
    }
}

/// A prefix that can't begin a token.
package struct TokenFormatError: Error, Sendable, Equatable {
    package var sentence: String { "it must be 1 to 16 letters, digits, - or _, and end in - or _." }
}
