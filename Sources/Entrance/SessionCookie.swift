package import HTTPTypes
package import Secrets

/// How a person comes in over HTTP, whichever surface they use: the session cookie, what tells their own requests from
/// forged ones, and the status of a refusal.
///
/// This room knows `Management`, whose refusals it puts into HTTP, and no page and no JSON.
///
/// This type is the cookie that carries a session. The prefix of its name makes browsers hold us to Secure, Path=/ and no
/// Domain (RFC 6265bis §4.1.3.2).
package enum SessionCookie {
    package static let name = "__Host-latchkey"

    /// The value in a request; `nil` when it is absent.
    package static func value(in headers: HTTPFields) -> Secret? {
        Cookies.value(of: name, in: headers).map(Secret.init)
    }

    /// The value of `Set-Cookie` that begins a session.
    package static func setting(_ token: Secret) -> String {
        "\(name)=\(token.exposed()); Path=/; Secure; HttpOnly; SameSite=Strict"
    }

    /// The value of `Set-Cookie` that ends it.
    package static let clearing = "\(name)=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
}
