import HTTPTypes
import Values

/// Which header fields of a caller's pass the gateway. Of an upstream's only one does (``ProviderAnswer/retrySeconds``).
enum ForwardedHeaders {
    /// RFC 9110 §7.6.1, and what older peers still send.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// All that a caller may say to an upstream beside the body. A list of what passes, not of what doesn't: upstreams
    /// know fields that choose whose project pays, whom the call is from or where it goes, and next to the operator's
    /// secret no caller may set one. An idempotency key ends here as well: at the provider, equal keys of two tenants
    /// would meet, and one would get the other's answer.
    private static let toUpstream: Set<String> = [
        "accept", "accept-language", "user-agent", "openai-beta", "traceparent", "tracestate",
    ]

    /// The caller's fields as the upstream may see them. A field whose value has the key in it is left out whatever its
    /// name: some clients send the key twice.
    static func toUpstream(_ fields: HTTPFields, withoutKey key: String) -> HTTPFields {
        var passed = filtered(fields) { name in toUpstream.contains(name) || name.hasPrefix("x-stainless-") }
        let secret = Text(key)
        for field in passed where Text(field.value).contains(secret) { passed[field.name] = nil }
        // What an upstream compresses could not be looked into, and saves nothing on the short way here.
        passed[.acceptEncoding] = "identity"
        return passed
    }

    private static func filtered(_ fields: HTTPFields, where mayPass: (String) -> Bool) -> HTTPFields {
        // Each hop may name more fields that are only for it.
        let named = Set(fields[values: .connection].flatMap { Text($0).split(on: ",").map(\.trimmed.lowercased) })
        var passed = HTTPFields()
        for field in fields {
            let name = field.name.canonicalName
            if !hopByHop.contains(name), !named.contains(Text(name)), mayPass(name) { passed.append(field) }
        }
        return passed
    }
}
