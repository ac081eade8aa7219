import Credentials
import Management
import Metering
import Policy
import Values

/// Something that a person should know of a key that works.
struct KeyHint {
    let text: String
    let tone: Status.Tone?

    /// The most urgent first.
    /// - Parameter trend: of the calls with it that were refused.
    static func all(of key: KeyDetails, _ trend: RefusalTrend?, _ formats: Formats) -> [KeyHint] {
        let (credential, now, strings) = (key.credential, key.at, formats.strings)
        var hints: [KeyHint] = []
        if credential.leakReportedAt != nil { hints.append(KeyHint(text: strings("key.hint_leaked"), tone: .bad)) }
        if let percent = percentLeft(key), percent < 10 {
            hints.append(KeyHint(text: strings("key.hint_left", ["percent": String(percent)]), tone: .warn))
        }
        if let end = credential.terms.expiresAt, end <= now.adding(.seconds(7 * day)) {
            let days = Int(max(0, end.seconds - now.seconds) / Int64(day))
            hints.append(
                KeyHint(text: strings.count("key.hint_expires", days, shown: formats.number(days)), tone: .warn))
        }
        if let trend, trend.isRising {
            let calls = Int(trend.now)
            hints.append(
                KeyHint(text: strings("key.hint_refused", ["count": formats.number(calls)]), tone: .warn))
        }
        if let end = credential.retiring?.endsAt {
            let text =
                credential.isSafeToRetire(at: now)
                ? strings("key.hint_retire") : strings("key.hint_two", ["time": formats.date(end)])
            hints.append(KeyHint(text: text, tone: nil))
        }
        let silent = Int((now.seconds - (credential.lastUsedAt ?? credential.createdAt).seconds) / Int64(day))
        if silent >= 90 {
            hints.append(
                KeyHint(text: strings("key.hint_unused", ["days": formats.number(silent)]), tone: .warn))
        }
        if key.rotationDueAt <= now {
            let age = Int((now.seconds - credential.secret.createdAt.seconds) / Int64(day))
            hints.append(KeyHint(text: strings("key.hint_old", ["days": formats.number(age)]), tone: .warn))
        }
        return hints
    }

    /// In seconds.
    private static let day = 86_400

    /// Of the limit of which the smaller part is left; `nil` for none.
    private static func percentLeft(_ key: KeyDetails) -> Int? {
        let terms = key.credential.terms
        let pairs = [(terms.monthlyLimit, key.meter.month.posted), (terms.creditLimit, key.meter.usage.posted)]
        return pairs.compactMap { limit, used in
            limit.map { $0 > .zero ? 100 - Quota.percent(used, of: $0) : 0 }
        }.min()
    }
}
