package import HTTPTypes
import Values

/// The cookies of a request (RFC 6265 §4.2).
package enum Cookies {
    /// The first value of that name; `nil` when there is none.
    package static func value(of name: String, in headers: HTTPFields) -> String? {
        for header in headers[values: .cookie] {
            for pair in Text(header).split(on: ";") {
                guard let (found, value) = pair.trimmed.split(atFirst: "=") else { continue }
                if found == Text(name) { return value.string }
            }
        }
        return nil
    }
}
