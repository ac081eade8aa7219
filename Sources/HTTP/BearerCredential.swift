package import HTTPTypes

/// What the `Authorization` header of a request holds (RFC 6750 §2.1).
package enum BearerCredential: Sendable {
    case none
    /// One bearer token, not looked into yet.
    case token(String)
    /// One header, but no bearer token: another scheme, or nothing after it.
    case malformed
    /// More than one header. Which of them counts would be anybody's guess, so none does.
    case several

    package init(_ headers: HTTPFields) {
        let values = headers[values: .authorization]
        guard let value = values.first else {
            self = .none
            return
        }
        guard values.count == 1 else {
            self = .several
            return
        }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            self = .malformed
            return
        }
        let token = parts[1].drop { $0 == " " }
        // A second header that some proxy folded into the first, RFC 9110 §5.3.
        self = token.isEmpty ? .malformed : token.contains(",") ? .several : .token(String(token))
    }

    /// The value of `WWW-Authenticate` on a 401: no error code when nothing was presented (RFC 6750 §3.1).
    package static func challenge(presented: Bool) -> String {
        presented ? #"Bearer realm="latchkey", error="invalid_token""# : #"Bearer realm="latchkey""#
    }
}

/// Credentials have no business in an address: addresses end up in logs, histories and referrers.
package enum AddressCredentials {
    private static let names: Set<String> = ["api_key", "apikey", "api-key", "key", "token", "access_token"]

    /// The refusal when a query carries a parameter that is made for a credential.
    package static func refusal(query: String?) -> Problem? {
        guard let query else { return nil }
        for part in query.split(whereSeparator: { $0 == "&" || $0 == ";" }) {
            let name = part.prefix { $0 != "=" }.removingPercentEscapes().lowercased()
            if names.contains(name) {
                return Problem(
                    .badRequest, "credentials_in_url",
                    "The address has a \(name) parameter. Addresses are logged and remembered, so credentials are only "
                        + "taken in the Authorization header; if it was a real one, replace it.")
            }
        }
        return nil
    }
}

extension Substring {
    fileprivate func removingPercentEscapes() -> String {
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
        return String(decoding: bytes, as: UTF8.self)
    }
}
