import Metering
import Values

/// Which app, key or model the credits of a month went to.
struct UsageShares: View {
    /// What is told apart.
    enum Kind: String, CaseIterable, Sendable {
        case application, key, model

        var dimension: UsageRequest.Dimension {
            switch self {
            case .application: .application
            case .key: .credential
            case .model: .model
            }
        }
    }

    struct Tab: View {
        let path: String
        let name: String
        let isCurrent: Bool
    }

    struct Row: View {
        let door: Door?
        let name: String
        /// What tells it apart from others of its name.
        let hint: String?
        let calls: String
        let credits: String
        /// Of a thousand.
        let width: Int
        let share: String
    }

    let tabs: [Tab]
    let title: String
    let rows: [Row]
    let calls: String
    let credits: String
    let isEmpty: Bool
    /// How many more there are than are shown.
    let more: String?

    private static let most = 100

    init(
        _ report: [UsageLine], by kind: Kind, calls: Int64, total: Credits, at address: UsageAddress, _ names: Names,
        _ strings: Strings, _ formats: Formats
    ) {
        tabs = Kind.allCases.map { other in
            Tab(
                path: address.path(to: "shares") { $0.by = other }, name: strings("usage.by_\(other.rawValue)"),
                isCurrent: other == kind)
        }
        title = strings("usage.\(kind.rawValue)")
        let sorted = report.sorted { ($1.amount, $1.calls) < ($0.amount, $0.calls) }
        rows = sorted.prefix(Self.most).map { line in
            let share = line.amount.share(of: total, in: 1000)
            let name: Names.Name =
                switch kind {
                case .application: names.application(line.application)
                case .key: names.key(line.credential)
                case .model: Names.Name(text: line.model ?? "", hint: nil)
                }
            return Row(
                door: kind == .application ? Door(name.text) : nil, name: name.text, hint: name.hint,
                calls: formats.number(Int(line.calls)), credits: formats.credits(line.amount), width: share,
                share: formats.share(share))
        }
        self.calls = formats.number(Int(calls))
        credits = formats.credits(total)
        isEmpty = rows.isEmpty
        more =
            sorted.count > Self.most
            ? strings("usage.more", ["count": formats.number(sorted.count - Self.most)]) : nil
    }
}
