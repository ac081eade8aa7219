import Entrance
import HTTP
import Hummingbird
import Values

/// Forms that a foreign page makes a browser send.
enum Forgery {
    static let refusal = Problem(
        .forbidden, "csrf_failed",
        "A form must come from a page of this console, opened with the session that you have now.")

    /// Every browser names the page that a form comes from. What doesn't is no browser.
    static func refuseForeign(_ request: Request) throws(Problem) {
        guard PageOrigin(request.headers, authority: request.head.authority) == .own else { throw refusal }
    }
}
