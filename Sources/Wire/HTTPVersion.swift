/// The versions of HTTP that are spoken here. Any other is refused while the start line is read.
package enum HTTPVersion: Sendable, Equatable {
    case http10
    case http11
}
