/// What a request asks for (RFC 9110 §9.3, and PATCH of RFC 5789). Names are compared with their case; any other name is
/// refused with 501 while the start line is read.
package enum RequestMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    case trace = "TRACE"
}
