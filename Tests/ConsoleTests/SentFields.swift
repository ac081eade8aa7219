@testable import Console

extension ConsoleRouter.Answer {
    /// What a browser sends of the page's form that goes to a path, as it stands: what is ticked, chosen and filled in.
    func fields(to path: String) -> [(String, String)] {
        guard let start = html.firstRange(of: "<form method=\"post\" action=\"\(path)\"") else { return [] }
        let rest = html[start.upperBound...]
        let form = String(rest[..<(rest.firstRange(of: "</form>")?.lowerBound ?? rest.endIndex)])
        var fields: [(String, String)] = []
        for part in form.matches(
            of: #/<(input)([^>]*)>|<(select)([^>]*)>(.*?)</select>|<(textarea)([^>]*)>\n?(.*?)</textarea>/#
                .dotMatchesNewlines())
        {
            let parts = part.output
            let tag = String(parts.2 ?? parts.4 ?? parts.7 ?? "")
            guard let name = Self.attribute("name", of: tag) else { continue }
            if let text = parts.8 {
                fields.append((name, Self.plain(String(text))))
            } else if let options = parts.5 {
                let all = options.matches(of: #/<option([^>]*)>/#).map { String($0.output.1) }
                let chosen = all.first { $0.hasSuffix(" selected") } ?? all.first
                fields.append((name, chosen.flatMap { Self.attribute("value", of: $0) } ?? ""))
            } else if !["checkbox", "radio"].contains(Self.attribute("type", of: tag)) || tag.hasSuffix(" checked") {
                fields.append((name, Self.attribute("value", of: tag) ?? ""))
            }
        }
        return fields
    }

    private static func attribute(_ name: String, of tag: String) -> String? {
        guard let start = tag.firstRange(of: " \(name)=\"") else { return nil }
        return plain(String(tag[start.upperBound...].prefix { $0 != "\"" }))
    }

    private static func plain(_ text: String) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")].reduce(text) {
            $0.replacing($1.0, with: $1.1)
        }
    }
}

extension ConsoleRouter {
    /// Opens the page of a form and sends it as it stands, but for what is changed.
    /// - Parameter changes: for each field, its texts; none for a field that is not sent.
    func save(_ path: String, _ changes: [String: [String]] = [:]) async throws -> Answer {
        let fields = try await get(path).fields(to: path).filter { changes[$0.0] == nil }
        return try await post(path, fields + changes.flatMap { name, texts in texts.map { (name, $0) } })
    }
}
