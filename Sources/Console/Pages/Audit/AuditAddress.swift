import Accounts
import Audit
import Management
import Values

/// What the address of the audit page asks for.
struct AuditAddress {
    static let path = "/console/audit"

    let typed: TypedDays
    let actor: Identifier?
    let action: AuditEntry.Action?
    /// The last entry of the page before.
    let after: Identifier?
    /// Whether the person may read what was done in other accounts.
    let mayChoose: Bool
    /// That of all accounts.
    let isOfAll: Bool
    /// The one whose record an operator reads, where it is not their own.
    let other: Identifier?
    /// Something in the address is none of what can be chosen.
    private let isBroken: Bool

    init(_ visit: Visit) {
        var address = Address(visit)
        typed = TypedDays(&address)
        actor = address.choice("actor") { Identifier($0) }
        action = address.choice("action") { AuditEntry.Action($0) }
        after = address.choice("after") { Identifier($0) }
        mayChoose = visit.may(.listAuditOfAll)
        isOfAll = mayChoose && visit.query("of") == "all"
        other =
            mayChoose && !isOfAll
            ? address.choice("of") { Identifier($0) }.flatMap { $0 == visit.caller.actor?.account ? nil : $0 } : nil
        isBroken = address.isBroken
    }

    /// `nil` for what can't be: days that are none, or the first after the last.
    /// - Parameter account: the person's own.
    func filter(of account: Identifier) -> AuditFilter? {
        guard !isBroken, let (first, last) = typed.days else { return nil }
        // Who may read all says whose they mean.
        var filter = AuditFilter(account: mayChoose && !isOfAll ? other ?? account : nil)
        (filter.actor, filter.action) = (actor, action)
        (filter.from, filter.until) = (first?.start, last.map { Day(number: $0.number + 1).start })
        return filter
    }

    var isEmpty: Bool { !isBroken && pairs.allSatisfy { ($0.1 ?? "").isEmpty } }

    private var pairs: [(String, String?)] {
        typed.pairs + [("actor", actor?.description), ("action", action?.rawValue)]
    }

    /// What a filter keeps of the address.
    var kept: [Form.Carried] { scope.compactMap { name, value in value.map { Form.Carried(name: name, value: $0) } } }

    private var scope: [(String, String?)] { isOfAll ? [("of", "all")] : [("of", other?.description)] }

    /// Without a filter.
    var cleared: String { Address.path(Self.path, scope) }

    func path(after: Identifier?) -> String {
        Address.path(Self.path, scope + pairs + [("after", after?.description)])
    }

    /// - Parameter name: of the other account.
    func scopes(_ strings: Strings, _ name: String?) -> [AuditPage.ScopeChoice] {
        func choice(_ scope: [(String, String?)], _ name: String, _ isCurrent: Bool) -> AuditPage.ScopeChoice {
            AuditPage.ScopeChoice(path: Address.path(Self.path, scope + pairs), name: name, isCurrent: isCurrent)
        }
        return [choice([], strings("audit.own"), !isOfAll && other == nil)]
            + [name].compactMap(\.self).map { choice(scope, $0, true) } + [
                choice([("of", "all")], strings("audit.all"), isOfAll)
            ]
    }
}
