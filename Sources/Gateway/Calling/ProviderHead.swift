import Catalog
import NIOCore
import Secrets
import Values
import Wire

/// The head of a call as its provider gets it.
///
/// What a caller may say to an upstream beside the body is a list of what passes, not of what doesn't: upstreams know
/// fields that choose whose project pays, whom the call is from or where it goes, and next to the operator's secret no
/// caller may set one. An idempotency key ends here as well: at the provider, equal keys of two tenants would meet, and
/// one would get the other's answer.
enum ProviderHead {
    /// In lower case.
    private static let passed: [StaticString] = [
        "accept", "accept-language", "user-agent", "openai-beta", "traceparent", "tracestate",
    ]
    /// What OpenAI's client libraries say of themselves.
    private static let passedPrefix: StaticString = "x-stainless-"

    /// - Parameters:
    ///   - path: of the operation, behind the base URL.
    ///   - key: fields of a name that has it in a value are left out whatever the name: some clients send the key twice.
    static func bytes(
        to base: BaseURL, path: String, secret: Secret?, bodyBytes: Int, passing fields: FieldLines,
        withoutKey key: String
    ) throws(UnwritableField) -> ByteBuffer {
        var head = try HeadWriter(request: .post, target: base.path, path, capacity: 1024)
        try head.field("Host", text: base.authority)
        head.field("Content-Type", "application/json")
        head.field("Content-Length", number: bodyBytes)
        // What an upstream compresses has to be decompressed here, and saves nothing on the short way.
        head.field("Accept-Encoding", "identity")
        if let secret { try head.bearer(secret) }
        let left = namedByConnection(fields) + namedWithKey(fields, key)
        fields.forEachBytes { name, value in
            guard mayPass(name), left.isEmpty || !left.contains(Text(decoding: name).lowercased) else { return }
            // It was read by the rules that it is written by.
            try? head.field(named: name, bytes: value)
        }
        return head.finish()
    }

    /// The question for a provider's models, which nobody's call is behind.
    static func models(of base: BaseURL, secret: Secret?) throws(UnwritableField) -> ByteBuffer {
        var head = try HeadWriter(request: .get, target: base.path, "/models")
        try head.field("Host", text: base.authority)
        head.field("Accept", "application/json")
        head.field("Accept-Encoding", "identity")
        head.field("User-Agent", "latchkey")
        if let secret { try head.bearer(secret) }
        return head.finish()
    }

    private static func mayPass(_ name: UnsafeRawBufferPointer) -> Bool {
        if passed.contains(where: { $0.utf8CodeUnitCount == name.count && name.isLowercased($0) }) { return true }
        let prefix = passedPrefix.utf8CodeUnitCount
        return name.count > prefix && UnsafeRawBufferPointer(rebasing: name[..<prefix]).isLowercased(passedPrefix)
    }

    /// Of those that may pass.
    private static func namedWithKey(_ fields: FieldLines, _ key: String) -> [Text] {
        var names: [Text] = []
        var key = key
        key.withUTF8 { key in
            fields.forEachBytes { name, value in
                guard value.count >= key.count, mayPass(name), value.contains(UnsafeRawBufferPointer(key)) else {
                    return
                }
                names.append(Text(decoding: name).lowercased)
            }
        }
        return names
    }

    /// Each hop may name more fields that are only for it (RFC 9110 §7.6.1).
    private static func namedByConnection(_ fields: FieldLines) -> [Text] {
        // Most clients say this one word, which names no field that may pass.
        guard let first = fields.first("connection"), fields.count("connection") > 1 || !first.isKeepAlive else {
            return []
        }
        return fields.values("connection").flatMap { Text(decoding: $0).split(on: ",").map(\.trimmed.lowercased) }
    }
}

extension HeadWriter {
    fileprivate mutating func bearer(_ secret: Secret) throws(UnwritableField) {
        let written = secret.withBytes { bytes in
            Result { () throws(UnwritableField) in try field("Authorization", after: "Bearer ", bytes: bytes) }
        }
        try written.get()
    }
}

extension ByteBufferView {
    fileprivate var isKeepAlive: Bool { count == 10 && withUnsafeBytes { $0.isLowercased("keep-alive") } }
}
