import Accounts
import Audit
import Management
import Values

/// What the address of the audit page asks for.
struct AuditAddress {
    static let path = "/console/audit"

    /// The first day and the last one, as they were typed.
    let from: Text
    let until: Text
    let actor: Identifier?
    let action: AuditEntry.Action?
    /// The last entry of the page before.
    let after: Identifier?
    /// Whether the person may read what was done in other accounts.
    let mayChoose: Bool
    /// That of all accounts.
    let isOfAll: Bool
    /// Something in the address is none of what can be chosen.
    private let isBroken: Bool

    init(_ visit: Visit) {
        var isBroken = false
        func read<T>(_ name: String, _ make: (Text) -> T?) -> T? {
            guard let text = visit.query(name), !text.isEmpty else { return nil }
            let value = make(text)
            if value == nil { isBroken = true }
            return value
        }
        from = visit.query("from") ?? ""
        until = visit.query("to") ?? ""
        actor = read("actor") { Identifier($0) }
        action = read("action") { AuditEntry.Action($0) }
        after = visit.query("after").flatMap { Identifier($0) }
        mayChoose = visit.may(.listAuditOfAll)
        isOfAll = mayChoose && visit.query("of") == "all"
        self.isBroken = isBroken
    }

    /// `nil` for what can't be: days that are none, or the first after the last.
    /// - Parameter account: the person's own.
    func filter(of account: Identifier) -> AuditFilter? {
        let (first, last) = (Day(from.string), Day(until.string))
        guard !isBroken, first != nil || from.isEmpty, last != nil || until.isEmpty else { return nil }
        if let first, let last, first > last { return nil }
        // Who may read all says whose they mean.
        var filter = AuditFilter(account: mayChoose && !isOfAll ? account : nil)
        (filter.actor, filter.action) = (actor, action)
        (filter.from, filter.until) = (first?.start, last.map { Day(number: $0.number + 1).start })
        return filter
    }

    var isEmpty: Bool { !isBroken && pairs.isEmpty }

    private var pairs: [(String, String)] {
        [
            ("from", from.string), ("to", until.string), ("actor", actor?.description ?? ""),
            ("action", action?.rawValue ?? ""),
        ].filter { !$0.1.isEmpty }
    }

    /// What a filter keeps of the address.
    var kept: [Form.Carried] { isOfAll ? [Form.Carried(name: "of", value: "all")] : [] }

    private var scope: [(String, String)] { isOfAll ? [("of", "all")] : [] }

    /// Without a filter.
    var cleared: String { Self.path(scope) }

    func path(after: Identifier?) -> String {
        Self.path(scope + pairs + (after.map { [("after", $0.description)] } ?? []))
    }

    func scopes(_ strings: Strings) -> [AuditPage.ScopeChoice] {
        [
            AuditPage.ScopeChoice(path: Self.path(pairs), name: strings("audit.own"), isCurrent: !isOfAll),
            AuditPage.ScopeChoice(
                path: Self.path([("of", "all")] + pairs), name: strings("audit.all"), isCurrent: isOfAll),
        ]
    }

    private static func path(_ pairs: [(String, String)]) -> String {
        let query = pairs.map { $0.0 + "=" + UsageAddress.escaped($0.1) }.joined(separator: "&")
        return path + (query.isEmpty ? "" : "?" + query)
    }
}
