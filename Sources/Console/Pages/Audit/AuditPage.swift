import Accounts
import Audit
import Database
import Hummingbird
import Management
import Values
import Web

/// Who did what, on what, from where, when: the newest first.
struct AuditPage: View {
    struct Row: View {
        let time: Moment
        let who: String
        let address: String?
        let action: String
        /// As the API calls it.
        let code: String
        let object: String?
        let details: [Detail]
    }

    struct Detail: View {
        let name: String
        let value: String
    }

    struct ScopeChoice: View {
        let path: String
        let name: String
        let isCurrent: Bool
    }

    let lead: String
    /// Whose record an operator reads; nobody else has a choice.
    let scopes: [ScopeChoice]
    let hasScopes: Bool
    let kept: [Form.Carried]
    let from: String
    let until: String
    let lists: [ChoiceList]
    let clearPath: String?
    let fault: String?
    let rows: [Row]
    let isEmpty: Bool
    let nextPath: String?
    let firstPath: String?
}

extension Console {
    func declareAudit(_ routes: inout Routes) {
        page(&routes, "/audit", for: .listAudit) { visit in
            try await visit.page("audit", try await visit.audit(AuditAddress(visit)), in: .audit)
        }
    }
}

extension Visit {
    fileprivate func audit(_ address: AuditAddress) async throws -> AuditPage {
        var other: String?
        if let id = address.other { other = try await management.getAccount(caller, id).account.name }
        let people = try address.other ?? account()
        let everyone = try await management.listUsers(caller, of: people, Page(limit: Page.limits.upperBound)).items
        let filter = try address.filter(of: account())
        var listing = Listing<AuditEntry>([], next: nil)
        var known: Set<Identifier>? = []
        if let filter {
            (listing, known) = try await management.listAudit(caller, filter, Page(after: address.after))
        }
        let names = try await Names(self)
        let words = AuditWords(people: everyone, known: known, names, strings)
        return AuditPage(
            lead: strings(
                address.isOfAll ? "audit.lead_all" : other == nil ? "audit.lead" : "audit.lead_other"),
            scopes: address.scopes(strings, other), hasScopes: address.mayChoose, kept: address.kept,
            from: address.typed.from.string, until: address.typed.until.string,
            lists: [
                ChoiceList(
                    "actor", strings("audit.who"), all: strings("audit.anybody"),
                    everyone.map { ($0.id.description, $0.email) }, chosen: address.actor?.description,
                    gone: address.actor.map { words.person($0) }),
                ChoiceList(
                    "action", strings("audit.what"), all: strings("audit.anything"),
                    AuditEntry.Action.allCases.map { ($0.rawValue, words.action($0)) },
                    chosen: address.action?.rawValue),
            ],
            clearPath: address.isEmpty ? nil : address.cleared, fault: filter == nil ? strings("filter.fault") : nil,
            rows: listing.items.map { row($0, words) }, isEmpty: filter != nil && listing.items.isEmpty,
            nextPath: listing.next.map { address.path(after: $0) },
            firstPath: address.after == nil ? nil : address.path(after: nil))
    }

    private func row(_ entry: AuditEntry, _ words: AuditWords) -> AuditPage.Row {
        AuditPage.Row(
            time: formats.exactlyToSecond(entry.at), who: words.who(entry),
            address: words.isShown(entry) && !entry.address.isEmpty ? entry.address : nil,
            action: words.action(entry.action), code: entry.action.rawValue, object: words.object(entry),
            details: entry.detail.sorted { $0.key < $1.key }.map { AuditPage.Detail(name: $0.key, value: $0.value) })
    }
}
