import HTTPTypes
import Hummingbird

/// What browsers ask before and read after a call that a page of another origin makes (Fetch §3.3, CORS).
///
/// The answer is the same for every origin, and no origin is ever repeated: the key of the call decides, and a key that
/// is bound to no host is refused to every page. Cookies are never part of it.
enum Preflight {
    static func isOne(_ request: Request) -> Bool {
        request.method == .options && request.headers[.origin] != nil
            && request.headers[.accessControlRequestMethod] != nil
    }

    static var answer: Response {
        var headers: HTTPFields = [:]
        headers[.accessControlAllowOrigin] = "*"
        headers[.accessControlAllowMethods] = "GET, POST"
        // The wildcard does not stand for Authorization (Fetch §3.3.4).
        headers[.accessControlAllowHeaders] = "Authorization, *"
        headers[.accessControlMaxAge] = "3600"
        return Response(status: .noContent, headers: headers)
    }

    /// For the answer to the call itself.
    static func open(_ headers: inout HTTPFields) {
        headers[.accessControlAllowOrigin] = "*"
        headers[.accessControlExposeHeaders] = "*"
    }
}
