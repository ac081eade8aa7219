import Crypto
package import Values

/// Time-based one-time passwords (RFC 6238) as every authenticator app makes them: SHA-1, 6 digits, 30 seconds.
///
/// SHA-1's collisions are no way into its HMAC (RFC 6194 §3.3), and other hashes are what apps silently get wrong.
package struct TOTP: Sendable {
    package let secret: Secret

    package init(secret: Secret) { self.secret = secret }

    /// A new secret of 20 bytes, the length of the hash (RFC 4226 §4, R6).
    package static func random(_ entropy: Entropy) -> TOTP { TOTP(secret: .random(20, from: entropy)) }

    /// The secret, exposed, for somebody to type: base32 without padding (RFC 4648 §6).
    package var base32: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        secret.withBytes { bytes in
            for byte in bytes {
                bits = bits << 8 | UInt32(byte)
                count += 8
                while count >= 5 {
                    count -= 5
                    text.append(alphabet[Int(bits >> UInt32(count) & 0x1F)])
                }
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(5 - count) & 0x1F)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The secret, exposed, for an app to scan, in the "Key URI Format" of Google Authenticator. Apps differ in what
    /// they take for granted, so all is said.
    package func uri(issuer: String, account: String) -> String {
        let (issuer, account) = (Self.percentEncoded(issuer), Self.percentEncoded(account))
        return "otpauth://totp/\(issuer):\(account)?secret=\(base32)&issuer=\(issuer)&algorithm=SHA1"
            + "&digits=\(Self.digits)&period=\(Self.period)"
    }

    /// The step whose code this is: the one at that time, the one before it or the one after it, since clocks differ
    /// and typing takes time (RFC 6238 §5.2). Compares with all three in constant time.
    /// - Parameters:
    ///   - code: six digits and nothing else.
    ///   - seconds: Unix time.
    ///   - lastUsed: the step that was last accepted, to be kept by the caller. Neither it nor an earlier one counts,
    ///     so that a code that was seen over somebody's shoulder is worth nothing. One that is further ahead than a
    ///     clock is set back without more ado is of a clock that was wrong, and shuts nobody out.
    package func step(matching code: String, at seconds: Int64, after lastUsed: Int64?) -> Int64? {
        let given = Array(code.utf8)
        guard given.count == Self.digits, seconds >= 0 else { return nil }
        let now = seconds / Self.period
        let lastUsed = lastUsed.flatMap { $0 <= now + Self.ahead ? $0 : nil }
        var match: Int64?
        // The latest wins where two steps have the same code, so that it is not accepted for the other one later.
        for step in now - 1...now + 1 {
            let difference = zip(given, self.code(at: step)).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) }
            if difference == 0, step >= 0, step > lastUsed ?? -1 { match = step }
        }
        return match
    }

    private static let digits = 6
    private static let period: Int64 = 30
    /// Five minutes.
    private static let ahead: Int64 = 10

    /// HOTP of a step (RFC 4226 §5.3): 31 bits of the HMAC from where its last four bits say, the last six digits of
    /// them.
    private func code(at step: Int64) -> [UInt8] {
        let key = secret.withBytes { SymmetricKey(data: $0) }
        let mac = withUnsafeBytes(of: step.bigEndian) {
            Array(HMAC<Insecure.SHA1>.authenticationCode(for: $0, using: key))
        }
        let offset = Int(mac[19] & 0x0F)
        var number = mac[offset..<offset + 4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        var digits = [UInt8](repeating: 0, count: Self.digits)
        for index in digits.indices.reversed() {
            digits[index] = UInt8(ascii: "0") + UInt8(number % 10)
            number /= 10
        }
        return digits
    }

    /// All but the unreserved characters of RFC 3986 §2.3. Not as in forms: to an app a plus is a plus.
    private static func percentEncoded(_ text: String) -> String {
        let hexadecimal = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if Base62.isDigit(byte) || "-._~".utf8.contains(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 0x0F)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
