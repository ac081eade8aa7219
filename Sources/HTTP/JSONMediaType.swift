package import Values

/// The media type of a JSON body (RFC 8259 §11).
package enum JSONMediaType {
    /// As it is registered, and without the hyphen, as many write it.
    private static let utf8: [Text] = [
        "charset=utf-8", "charset=\"utf-8\"", "charset=utf8", "charset=\"utf8\"",
    ]

    /// - Parameter contentType: the value of a `Content-Type` field.
    package static func matches(_ contentType: Text) -> Bool {
        // As nearly every client writes it.
        if contentType == "application/json" { return true }
        let parts = contentType.lowercased.split(on: ";").map(\.trimmed)
        guard parts.first == "application/json" else { return false }
        return parts.dropFirst().allSatisfy { !$0.hasPrefix("charset=") || utf8.contains($0) }
    }
}
