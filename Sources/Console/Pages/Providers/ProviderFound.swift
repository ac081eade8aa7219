import Catalog

/// What came of the test of a provider.
struct ProviderFound: View {
    let tone: String
    /// A symbol of the partial `icons`.
    let icon: String
    let title: String
    /// What was found, and what to do.
    let sentence: String?
    let status: String?
    /// `nil` where nobody had to be asked.
    let time: String?
    let count: String?
    let names: [String]
    let hasNames: Bool
    /// There are others beside these.
    let more: String?

    init(_ test: ProviderTest, _ strings: Strings, _ formats: Formats) {
        let tone = Self.tone(of: test)
        self.tone = tone.rawValue
        icon = tone == .good ? "tick" : tone == .bad ? "bad" : "warn"
        title = strings(
            test.isBuiltIn
                ? "test.built_in" : test.fault == nil ? "test.good" : test.isReachable ? "test.answers" : "test.absent")
        sentence = test.fault.map { strings("test.fault.\($0.rawValue)") }
        status = test.status.map { "HTTP \($0)" }
        time = test.isBuiltIn ? nil : strings("test.milliseconds", ["count": formats.number(test.milliseconds)])
        count = test.models.map { formats.number($0.count) }
        names = test.models?.names ?? []
        hasNames = !names.isEmpty
        let others = (test.models?.count ?? 0) - names.count
        more = others > 0 ? strings("test.more", ["count": formats.number(others)]) : nil
    }

    /// Whether somebody must do something about it.
    private static func tone(of test: ProviderTest) -> Status.Tone {
        switch test.fault {
        case nil: .good
        case .noModelList, .rateLimited, .busy, .answerTooLarge: .warn
        default: .bad
        }
    }
}
