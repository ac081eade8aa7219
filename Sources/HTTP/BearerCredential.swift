package import HTTPTypes
package import Values

/// What the `Authorization` header of a request holds (RFC 6750 §2.1).
package enum BearerCredential: Sendable {
    case none
    /// One bearer token, not looked into yet.
    case token(String)
    /// One header, but no bearer token: another scheme, or nothing after it. With what it has.
    case malformed(Text)
    /// More than one header. Which of them counts would be anybody's guess, so none does.
    case several

    package init(_ headers: HTTPFields) { self.init(headers[values: .authorization].map { Text($0) }) }

    /// The token, where the one value has nothing that has to be looked at twice, as nearly every one; else `nil`.
    package static func plain(_ value: UnsafeRawBufferPointer) -> String? {
        guard value.count > 7, zip(value, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        let token = value[7...]
        // A blank may have to be taken off; a comma may divide two; what isn't ASCII may be no text.
        guard token.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") }) else { return nil }
        return String(decoding: token, as: UTF8.self)
    }

    /// - Parameter values: of all `Authorization` fields.
    package init(_ values: [Text]) {
        guard let value = values.first else {
            self = .none
            return
        }
        guard values.count == 1 else {
            self = .several
            return
        }
        guard let (scheme, rest) = value.split(atFirst: " "), scheme.lowercased == "bearer" else {
            self = .malformed(value)
            return
        }
        let token = rest.trimmed
        // A second header that some proxy folded into the first, RFC 9110 §5.3.
        self = token.isEmpty ? .malformed(value) : token.contains(",") ? .several : .token(token.string)
    }

    /// The value of `WWW-Authenticate` on a 401: no error code when nothing was presented (RFC 6750 §3.1).
    package static func challenge(presented: Bool) -> String {
        presented ? #"Bearer realm="latchkey", error="invalid_token""# : #"Bearer realm="latchkey""#
    }
}

/// Credentials have no business in an address: addresses end up in logs, histories and referrers.
package enum AddressCredentials {
    private static let names: Set<Text> = ["api_key", "apikey", "api-key", "key", "token", "access_token"]

    /// The refusal when a query carries a parameter that is made for a credential.
    package static func refusal(query: String?) -> Problem? {
        guard let query else { return nil }
        for part in Text(query).split(on: "&", ";") {
            let name = (part.split(atFirst: "=")?.before ?? part).withoutPercentEscapes.lowercased
            if names.contains(name) {
                return Problem(
                    .badRequest, "credentials_in_url",
                    "The address has the parameter \(name). Addresses are logged and remembered, so credentials are only "
                        + "taken in the Authorization header; if it was a real one, replace it.")
            }
        }
        return nil
    }
}

extension Text {
    /// With each `%` and two digits made the byte that they stand for (RFC 3986 §2.1).
    fileprivate var withoutPercentEscapes: Text {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
            if byte == UInt8(ascii: "%"), digits.count == 2 {
                bytes.append(UInt8(digits[0] * 16 + digits[1]))
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return Text(decoding: bytes)
    }
}
