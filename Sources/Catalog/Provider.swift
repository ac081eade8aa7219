package import Secrets
package import Values

/// An upstream that an admin configured. Its secret is not part of it: nobody reads that back.
package struct Provider: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Built in: needs no network and answers in the manner of the system prompt.
        case echo
        /// Any upstream that speaks OpenAI's chat completions.
        case openai
    }

    package var id: Identifier
    package var name: String
    package var kind: Kind
    package var baseURL: BaseURL?
    package var hasSecret: Bool
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
}

/// What makes a new provider.
package struct ProviderDraft: Sendable {
    package enum Upstream: Sendable {
        case echo
        case openai(BaseURL, secret: Secret?)

        var kind: Provider.Kind { if case .echo = self { .echo } else { .openai } }
        var baseURL: BaseURL? { if case .openai(let url, _) = self { url } else { nil } }
        var secret: Secret? { if case .openai(_, let secret) = self { secret } else { nil } }
    }

    let name: DisplayName
    let upstream: Upstream

    package init(name: DisplayName, upstream: Upstream) {
        self.name = name
        self.upstream = upstream
    }
}

/// What changes of a provider; `nil` stays as it is.
package struct ProviderEdit: Sendable {
    let name: DisplayName?
    let baseURL: BaseURL?
    let secret: SecretEdit<Secret>

    package init(name: DisplayName?, baseURL: BaseURL?, secret: SecretEdit<Secret>) {
        self.name = name
        self.baseURL = baseURL
        self.secret = secret
    }
}

/// Keep, take away or replace.
package enum SecretEdit<Value: Sendable>: Sendable {
    case keep
    case clear
    case set(Value)
}

/// Where an upstream's API begins, such as `https://api.openai.com/v1`.
package struct BaseURL: FieldText, Equatable {
    package static let rule =
        "must be an http or https address such as https://api.example.com/v1, at most 500 characters, "
        + "without user name, query, fragment or blanks"
    private static let operation = "/chat/completions"
    /// Without a slash at the end.
    package let text: String
    package let origin: Origin
    /// The `Host` of a request to it.
    package let authority: String
    /// What stands after the authority: empty, or from a slash on, without one at the end. An operation's own path follows
    /// it.
    package let path: String

    package init?(_ text: String) {
        guard text.utf8.count <= 500, text.unicodeScalars.allSatisfy({ (0x21...0x7E).contains($0.value) }) else {
            return nil
        }
        guard let scheme = ["https://", "http://"].first(where: text.lowercased().hasPrefix) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        guard !authority.isEmpty, !authority.contains("@"), !rest.contains("?"), !rest.contains("#"),
            !rest.contains("\\"),
            Self.isAuthority(authority)
        else { return nil }
        var kept = rest
        while kept.last == "/" { kept.removeLast() }
        if kept.lowercased().hasSuffix(Self.operation) { return nil }
        self.text = scheme + kept
        // Taken apart once: each call is addressed with these.
        origin = Origin(isSecure: scheme == "https://", authority: authority)
        self.authority = origin.authority
        path = String(kept.dropFirst(authority.count))
    }

    /// An address that goes on to the operation, as it stands in many guides, is told where it should have ended.
    package static func rule(brokenBy text: String) -> String {
        var base = text[...]
        while base.last == "/" { base.removeLast() }
        guard base.lowercased().hasSuffix(operation), let meant = BaseURL(String(base.dropLast(operation.count))) else {
            return rule
        }
        return "must end before \(operation), which each call adds: \(meant.text)"
    }

    /// A host of letters, digits, dots and hyphens, or an IPv6 address in brackets; then a port, perhaps.
    private static func isAuthority(_ text: Substring) -> Bool {
        var host = text
        if let colon = text.lastIndex(of: ":"), text.last != "]" {
            let digits = text[text.index(after: colon)...]
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
                (1...65_535).contains(port)
            else { return false }
            host = text[..<colon]
        }
        if host.first == "[", host.last == "]" {
            return host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." } && host.count > 3
        }
        return !host.isEmpty && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") }
    }
}

/// A provider's secret as it comes in a field.
package struct ProviderSecret: FieldText {
    package static let rule = "must be 1 to 1000 printable ASCII characters, as they go into an Authorization header"
    package let secret: Secret

    package init?(_ text: String) {
        guard (1...1000).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        secret = Secret(text)
    }
}

extension Provider.Kind: FieldText {
    package static let rule = "must be one of " + allCases.map(\.rawValue).joined(separator: ", ")

    package init?(_ text: String) { self.init(rawValue: text) }
}
