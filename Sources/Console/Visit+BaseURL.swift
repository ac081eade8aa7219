import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Web

extension Visit {
    /// The base URL of a client, as the browser reaches this server.
    var baseURL: String {
        let authority = request.head.authority ?? ""
        // Browsers say with each form where its page is from.
        if let origin = request.headers[.origin], PageOrigin(request.headers, authority: authority) == .own {
            return origin + "/v1"
        }
        // Who is signed in came over HTTPS, or to a name of their own machine, where both work.
        let isNear = !PlainHTTP.losesCookies([.origin: "http://" + authority], authority: authority, peer: context.peer)
        return (isNear && request.headers[.forwardedProto] != "https" ? "http://" : "https://") + authority + "/v1"
    }
}

extension HTTPField.Name {
    fileprivate static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
