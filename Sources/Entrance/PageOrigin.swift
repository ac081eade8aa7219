package import HTTPTypes
import Values

/// Which page a browser says that a request comes from.
package enum PageOrigin: Sendable, Equatable {
    /// It says nothing, as programs and some reading of pages do.
    case unsaid
    /// A page of the host that was asked.
    case own
    /// Any other, or one that is not told.
    case foreign

    /// - Parameter authority: the host that was asked for.
    package init(_ headers: HTTPFields, authority: String?) {
        if let origin = headers[.origin].map({ Text($0) }) {
            let isOwn = authority.map { origin == Text("http://" + $0) || origin == Text("https://" + $0) } ?? false
            self = isOwn ? .own : .foreign
        } else if let site = headers[.secFetchSite].map({ Text($0) }) {
            // `none` is somebody who typed the address or reloads the page.
            self = site == "same-origin" || site == "none" ? .own : .foreign
        } else {
            self = .unsaid
        }
    }
}

extension HTTPField.Name {
    /// Fetch Metadata §2.4.
    package static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
