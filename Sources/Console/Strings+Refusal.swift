import Management

extension Strings {
    /// What to say of a refusal that is about no field.
    func sentence(_ refusal: Refusal) -> String { sentence(refusal.code.rawValue, retryAfter: refusal.retryAfter) }

    /// - Parameters:
    ///   - code: of a problem or a refusal.
    ///   - retryAfter: in how many seconds to try again, where that helps.
    func sentence(_ code: String, retryAfter: Int?) -> String {
        let key = "refusal." + code
        let seconds = retryAfter ?? 1
        let wait =
            seconds < 120
            ? count("time.seconds", seconds, shown: String(seconds))
            : count("time.minutes", (seconds + 59) / 60, shown: String((seconds + 59) / 60))
        return all[key] == nil ? self("refusal.other", ["code": code]) : self(key, ["wait": wait])
    }
}
