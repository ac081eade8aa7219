import Values

/// Credits that were used of a limit, for the partial `quota`: the figures in words, and a bar that repeats them.
struct Quota: View {
    let used: String
    let limit: String
    /// Of the bar's hundred.
    let width: Int
    let tone: String
    /// What is left, such as `694 calls left`.
    let left: String
    /// What the limit is of, such as `month`.
    let span: String

    init(
        used: Credits, of limit: Credits, left: String, span: String, tone: Status.Tone = .good, _ formats: Formats
    ) {
        self.used = formats.credits(used)
        self.limit = formats.credits(limit)
        width = Self.percent(used, of: limit)
        self.tone = tone.rawValue
        self.left = left
        self.span = span
    }

    /// 0…100; what is used at all shows, and what is not whole is not full.
    static func percent(_ used: Credits, of limit: Credits) -> Int {
        guard used.micro > 0 else { return 0 }
        guard used.micro < limit.micro else { return 100 }
        let (high, low) = used.micro.multipliedFullWidth(by: 100)
        return min(99, max(1, Int(limit.micro.dividingFullWidth((high, low)).quotient)))
    }
}
