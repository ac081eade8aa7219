import JSON
import Values

/// Comma-separated values (RFC 4180).
enum CSV {
    /// One line with its end. Texts are quoted where they must be.
    static func line(_ values: [JSON]) -> String { values.map(cell).joined(separator: ",") + "\r\n" }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .string(let text): quoted(neutral(text.string))
        default: value.text
        }
    }

    /// A spreadsheet takes a text that begins like this for a formula and runs it (OWASP, CSV injection). Numbers of ours
    /// are no texts, and keep their sign.
    private static func neutral(_ text: String) -> String {
        guard let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) else { return text }
        return "'" + text
    }

    /// By scalars: a quote with a combining mark behind it is one character, and a quote all the same.
    private static func quoted(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return text }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in text.unicodeScalars {
            quoted.append(scalar)
            if scalar == "\"" { quoted.append(scalar) }
        }
        quoted.append("\"")
        return String(quoted)
    }
}
