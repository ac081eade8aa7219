import Management
import Policy

extension Strings {
    /// What to say of a refusal that is about no field.
    func sentence(_ refusal: Refusal) -> String { sentence(refusal.code.rawValue, retryAfter: refusal.retryAfter) }

    /// - Parameters:
    ///   - code: of a problem or a refusal.
    ///   - retryAfter: in how many seconds to try again, where that helps.
    func sentence(_ code: String, retryAfter: Int?) -> String {
        let key = "refusal." + code
        return all[key] == nil ? self("refusal.other", ["code": code]) : self(key, ["wait": wait(retryAfter ?? 1)])
    }

    /// Why a call was refused.
    /// - Parameter code: of a ``Denial``; another one stands for itself.
    func denial(_ code: String) -> String { Denial(rawValue: code).map { self("denial." + $0.rawValue) } ?? code }

    /// How long so many seconds are.
    func wait(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: count("time.seconds", seconds, shown: String(seconds))
        case ..<7200: count("time.minutes", (seconds + 59) / 60, shown: String((seconds + 59) / 60))
        case ..<172_800: count("time.hours", (seconds + 3599) / 3600, shown: String((seconds + 3599) / 3600))
        default: count("time.days", (seconds + 86_399) / 86_400, shown: String((seconds + 86_399) / 86_400))
        }
    }
}
