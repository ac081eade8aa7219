import HTTP
import HTTPTypes
import Metering
import NIOCore
import Policy
import Secrets
import Values
import Wire

/// What the head of a call says, beside its address.
extension FieldLines {
    /// The key, not looked into yet.
    func bearer() throws -> String {
        if count("authorization") == 1,
            let token = first("authorization")?.withUnsafeBytes(BearerCredential.plain)
        {
            return token
        }
        switch BearerCredential(values("authorization").map { Text(decoding: $0) }) {
        case .token(let token): return token
        case .malformed(let value): throw KeyFault(header: value).problem
        case .none: throw Denial.missingKey
        case .several:
            throw Problem(
                .badRequest, Denial.missingKey.rawValue,
                "Exactly one Authorization header is needed, but several were sent.")
        }
    }

    /// The value of the first field of this name.
    func text(_ name: StaticString) -> String? { first(name).map { String(decoding: $0, as: UTF8.self) } }

    /// What a browser says of the page that makes it call. Browsers alone may set these two (Fetch §2.2.2), so where there
    /// is one, a browser is at work, or something that wants to be taken for one. `Sec-Fetch-Mode` alone is what Node's own
    /// `fetch` sends, and means nothing. One that is empty is none: no browser sends it so, and tools do that fill in every
    /// header they know.
    var origin: WebOrigin {
        if count("origin") > 1 { return .unknown }
        if let origin = text("origin"), !origin.isEmpty { return WebOrigin(header: origin) }
        return text("sec-fetch-site").map(\.isEmpty) ?? true ? .none : .unknown
    }

    /// The same of a call that may come from a page of the console, which shows a pass. Only a browser can say that the
    /// page is one of this very origin, so no other page can use a pass that it has got hold of.
    func origin(_ passes: PagePasses, at now: Timestamp) -> WebOrigin {
        let origin = origin
        guard let pass = text("x-latchkey-pass"), text("sec-fetch-site") == "same-origin", count("origin") <= 1,
            passes.isGood(Text(pass), at: now)
        else { return origin }
        guard case .host(let host) = origin else { return .console(nil) }
        return .console(host)
    }

    /// - Throws: 415 for a body that is no JSON as it stands.
    func checkJSON() throws(Problem) {
        // An empty one is none.
        if let coding = text("content-encoding").map({ Text($0).lowercased }), !coding.isEmpty, coding != "identity" {
            throw .unsupportedContentEncoding
        }
        guard let type = first("content-type"), JSONMediaType.matches(Text(decoding: type)) else {
            throw .unsupportedMediaType
        }
    }
}

extension IdempotencyKey {
    /// The key of a call that has one. Equal bodies are those with the same bytes. An empty field is none: some clients send
    /// every optional field.
    init?(_ fields: FieldLines, body: ByteBuffer) throws(Problem) {
        guard let text = fields.text("idempotency-key"), !text.isEmpty || fields.count("idempotency-key") > 1 else {
            return nil
        }
        guard fields.count("idempotency-key") == 1, (1...255).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { throw .invalid("Idempotency-Key", "must be one header of 1 to 255 printable ASCII characters") }
        self.init(text, body: Array(body.readableBytesView))
    }
}
