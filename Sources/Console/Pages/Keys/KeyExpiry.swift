import Values

/// When a key is to end, as the form says it.
enum KeyExpiry: Equatable {
    case never
    /// So many days after the form is taken.
    case days(Int)
    case at(Timestamp)

    /// The spans to choose among, in days.
    static let spans = [7, 30, 90, 365]

    /// `nil` for what can't be read, which is noted.
    init?(_ form: inout Form, _ strings: Strings) {
        let choice = form.text("expiry").string
        switch choice {
        case "", "never": self = .never
        case "date":
            let text = form.text("expired_at")
            guard !text.isEmpty else {
                form.note("expired_at", strings("invalid.required"))
                return nil
            }
            guard let time = Self.time(text) else {
                form.note("expired_at", strings("invalid.date"))
                return nil
            }
            self = .at(time)
        default:
            guard let days = Int(choice), Self.spans.contains(days) else {
                form.note("expired_at", strings("invalid.date"))
                return nil
            }
            self = .days(days)
        }
    }

    /// What a browser's field for date and time has (HTML §2.3.5.5), in UTC: `2026-12-04T09:00`, with seconds or without.
    static func time(_ text: Text) -> Timestamp? {
        guard text.utf8.count <= 30 else { return nil }
        let text = text.trimmed.string
        return Timestamp(rfc3339: text + ":00Z") ?? Timestamp(rfc3339: text + "Z") ?? Timestamp(rfc3339: text)
    }

    /// The same for showing: to the minute.
    static func text(_ time: Timestamp) -> String { String(time.rfc3339.prefix(16)) }

    func time(from now: Timestamp) -> Timestamp? {
        switch self {
        case .never: nil
        case .days(let days): now.adding(.seconds(days * 86_400))
        case .at(let time): time
        }
    }

    /// Whether it is what a key has, to the minute that the field shows.
    func isSame(as old: Timestamp?) -> Bool {
        switch self {
        case .never: old == nil
        case .days: false
        case .at(let time): old.map { Self.text($0) == Self.text(time) } ?? false
        }
    }
}
