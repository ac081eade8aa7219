/// What a request asks for. Names are compared with their case; any other name is refused while the start line is read.
///
/// `CONNECT` is not among them: what follows it is no HTTP.
package enum RequestMethod: String, Sendable, CaseIterable {
    // RFC 9110 §9.3, and RFC 5789.
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    case trace = "TRACE"

    // Served nowhere here, but registered (iana.org/assignments/http-methods) or in wide use: a path says which it allows.
    case acl = "ACL"
    case bind = "BIND"
    case checkout = "CHECKOUT"
    case copy = "COPY"
    case link = "LINK"
    case lock = "LOCK"
    case merge = "MERGE"
    case makeActivity = "MKACTIVITY"
    case makeCalendar = "MKCALENDAR"
    case makeCollection = "MKCOL"
    case move = "MOVE"
    case propertyFind = "PROPFIND"
    case propertyPatch = "PROPPATCH"
    case purge = "PURGE"
    case query = "QUERY"
    case rebind = "REBIND"
    case report = "REPORT"
    case search = "SEARCH"
    case unbind = "UNBIND"
    case unlink = "UNLINK"
    case unlock = "UNLOCK"
}
