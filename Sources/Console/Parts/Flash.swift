import Entrance
import HTTPTypes
import Values

/// What the next page says once: that something was done, and to which row.
struct Flash: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case created, saved, deleted, ended
        case signedOut = "signed_out"
    }

    let kind: Kind
    /// The row to be marked.
    let id: Identifier?

    init(_ kind: Kind, _ id: Identifier? = nil) {
        self.kind = kind
        self.id = id
    }

    /// `nil` when nothing is to be said.
    init?(_ headers: HTTPFields) {
        guard let value = Cookies.value(of: Self.cookie, in: headers) else { return nil }
        let parts = Text(value).split(on: ".")
        guard let kind = Kind(rawValue: parts[0].string) else { return nil }
        self.init(kind, parts.count > 1 ? Identifier(parts[1]) : nil)
    }

    private static let cookie = "latchkey-flash"

    var setting: String {
        "\(Self.cookie)=\(kind.rawValue)\(id.map { ".\($0)" } ?? ""); Path=/console; HttpOnly; SameSite=Strict; Max-Age=60"
    }

    static let clearing = "\(cookie)=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0"
}
