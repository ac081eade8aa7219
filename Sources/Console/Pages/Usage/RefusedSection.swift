import Management
import Metering
import Values

/// Which calls of a month were not served, and why. None of them cost anything.
struct RefusedSection: View {
    struct Row: View {
        let reason: String
        let code: String
        let key: String
        let hint: String?
        let calls: String
    }

    let rows: [Row]
    /// How many more kinds there are than are shown.
    let more: String?
    let calls: String

    private static let most = 50

    /// `nil` where all calls were served.
    init?(_ report: RefusedCallsReport, _ names: Names, _ strings: Strings, _ formats: Formats) {
        if report.lines.isEmpty { return nil }
        let lines = report.lines.sorted { ($1.calls, $0.group) < ($0.calls, $1.group) }
        rows = lines.prefix(Self.most).map { group, calls in
            let code = group.code ?? ""
            let key = names.key(group.credential)
            return Row(
                reason: strings.denial(code), code: code, key: key.text, hint: key.hint,
                calls: formats.number(Int(calls)))
        }
        more =
            lines.count > Self.most
            ? strings("usage.refused_more", ["count": formats.number(lines.count - Self.most)]) : nil
        calls = formats.number(Int(report.calls))
    }
}
