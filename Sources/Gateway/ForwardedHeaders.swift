import HTTPTypes

/// Which header fields pass the gateway, in each direction.
enum ForwardedHeaders {
    /// RFC 9110 §7.6.1, and what older peers still send.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// What speaks of the caller's connection to us, or for the caller's credentials, and is none of the upstream's
    /// business; and what describes the bytes of the body, which are ours to write.
    private static let notToUpstream: Set<String> = [
        "authorization", "cookie", "host", "content-length", "expect", "accept-encoding", "forwarded", "via", "origin",
        "referer", "x-real-ip", "x-api-key", "api-key", "x-csrf-token", "content-encoding", "content-md5", "digest",
        "content-digest", "repr-digest",
    ]

    /// What speaks for the upstream's own site.
    private static let notToCaller: Set<String> = [
        "content-length", "set-cookie", "server", "date", "alt-svc", "strict-transport-security", "www-authenticate",
        "location", "refresh", "clear-site-data", "content-security-policy", "x-request-id",
    ]

    /// The caller's fields as the upstream may see them. A field whose value has the key in it is left out whatever its
    /// name: some clients send the key twice.
    static func toUpstream(_ fields: HTTPFields, withoutKey key: String) -> HTTPFields {
        var passed = filtered(fields, without: notToUpstream) { name in
            name.hasPrefix("x-forwarded-") || name.hasPrefix("sec-") || name.hasPrefix("x-latchkey-")
        }
        for field in passed where field.value.contains(key) { passed[field.name] = nil }
        // What an upstream compresses could not be looked into, and saves nothing on the short way here.
        passed[.acceptEncoding] = "identity"
        return passed
    }

    /// The upstream's fields as the caller may see them.
    static func toCaller(_ fields: HTTPFields) -> HTTPFields {
        filtered(fields, without: notToCaller) { name in
            name.hasPrefix("access-control-") || name.hasPrefix("x-latchkey-")
        }
    }

    private static func filtered(
        _ fields: HTTPFields, without names: Set<String>, orWhere isUnwanted: (String) -> Bool
    ) -> HTTPFields {
        // Each hop may name more fields that are only for it.
        let named = Set(
            fields[values: .connection].flatMap { $0.split(separator: ",") }
                .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() })
        var passed = HTTPFields()
        for field in fields {
            let name = field.name.canonicalName
            if hopByHop.contains(name) || names.contains(name) || named.contains(name) || isUnwanted(name) { continue }
            passed.append(field)
        }
        return passed
    }
}
