import Entrance
import Foundation
import HTTPTypes
import Values

/// How a person wants pages to be shown, kept in their browser: cookies that hold no secret, and so also without HTTPS.
struct Preferences: Sendable {
    enum Theme: String, CaseIterable, Sendable {
        case light, dark
    }

    let language: Language
    /// `nil` to go with the system.
    let theme: Theme?
    /// Whose times are shown beside UTC; `nil` for UTC alone.
    let zone: TimeZone?

    init(_ headers: HTTPFields) {
        language =
            Cookies.value(of: Self.languageCookie, in: headers).flatMap { Language(rawValue: $0) }
            ?? Language(acceptLanguage: headers)
        theme = Cookies.value(of: Self.themeCookie, in: headers).flatMap { Theme(rawValue: $0) }
        zone = Cookies.value(of: Self.zoneCookie, in: headers).flatMap { Self.zone(Text($0)) }
    }

    static let languageCookie = "latchkey-language"
    static let themeCookie = "latchkey-theme"
    static let zoneCookie = "latchkey-zone"

    /// A zone of the IANA's list by its name, such as `Europe/Berlin`.
    static func zone(_ name: Text) -> TimeZone? {
        guard name.utf8.count <= 64, name.utf8.allSatisfy({ isOfZone($0) }) else { return nil }
        return TimeZone(identifier: name.string)
    }

    private static func isOfZone(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "+"):
            true
        default: false
        }
    }

    /// The value of `Set-Cookie` that keeps a preference for a year, or forgets it.
    /// - Parameter value: checked, so that it can stand in a header; `nil` to forget.
    static func setting(_ name: String, to value: String?) -> String {
        "\(name)=\(value ?? ""); Path=/console; HttpOnly; SameSite=Lax; Max-Age=\(value == nil ? 0 : 31_536_000)"
    }
}
