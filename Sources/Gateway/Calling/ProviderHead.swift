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
    private static let passed: [Text] = [
        "accept", "accept-language", "user-agent", "openai-beta", "traceparent", "tracestate",
    ]
    /// What OpenAI's client libraries say of themselves.
    private static let passedPrefix = Array("x-stainless-".utf8)

    /// - Parameters:
    ///   - path: of the operation, behind the base URL.
    ///   - key: fields of a name that has it in a value are left out whatever the name: some clients send the key twice.
    static func bytes(
        to base: BaseURL, path: String, secret: Secret?, bodyBytes: Int, passing fields: FieldLines,
        withoutKey key: String
    ) throws(UnwritableField) -> ByteBuffer {
        var head = try HeadWriter(request: .post, target: base.path + path, capacity: 1024)
        try head.field("Host", text: Origin(base).authority)
        head.field("Content-Type", "application/json")
        head.field("Content-Length", number: bodyBytes)
        // What an upstream compresses has to be decompressed here, and saves nothing on the short way.
        head.field("Accept-Encoding", "identity")
        if let secret { try head.field("Authorization", text: "Bearer " + secret.exposed()) }
        let left = namedByConnection(fields) + namedWithKey(fields, key)
        fields.forEachBytes { name, value in
            guard mayPass(name), !left.contains(where: { $0.matches(name) }) else { return }
            // It was read by the rules that it is written by.
            try? head.field(named: name, bytes: value)
        }
        return head.finish()
    }

    private static func mayPass(_ name: UnsafeRawBufferPointer) -> Bool {
        passed.contains { $0.matches(name) }
            || name.count > passedPrefix.count && zip(name, passedPrefix).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    private static func namedWithKey(_ fields: FieldLines, _ key: String) -> [Text] {
        let key = Array(key.utf8)
        var names: [Text] = []
        fields.forEachBytes { name, value in
            if value.count >= key.count, value.contains(key) { names.append(Text(decoding: name).lowercased) }
        }
        return names
    }

    /// Each hop may name more fields that are only for it (RFC 9110 §7.6.1).
    private static func namedByConnection(_ fields: FieldLines) -> [Text] {
        guard fields.count("connection") > 0 else { return [] }
        return fields.values("connection").flatMap { Text(decoding: $0).split(on: ",").map(\.trimmed.lowercased) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether a short part stands somewhere in here.
    fileprivate func contains(_ part: [UInt8]) -> Bool {
        guard let first = part.first, count >= part.count else { return false }
        return (0...count - part.count).contains { start in
            self[start] == first && self[start..<start + part.count].elementsEqual(part)
        }
    }
}

extension Text {
    /// Of a name in small letters.
    fileprivate func matches(_ name: UnsafeRawBufferPointer) -> Bool {
        guard utf8.count == name.count else { return false }
        return zip(utf8, name).allSatisfy {
            $0 == $1 || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($1) && $0 == $1 | 0x20
        }
    }
}
