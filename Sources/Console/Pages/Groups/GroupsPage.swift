import Catalog
import Database
import HTTP
import Hummingbird
import Management
import Values
import Web

/// The pricing groups: what each multiplies by, who uses it, and what is to come.
struct GroupsPage: View {
    struct Row: View {
        let id: String
        let name: String
        let path: String
        let draftPath: String
        let multiplier: String
        let use: String
        /// Such as `v2 · since 12 Sep 2026`.
        let version: String
        let since: Moment?
        /// Such as `× 0.6 from`, with the time.
        let scheduled: String?
        let begins: Moment?
        let isRetired: Bool
        let isNew: Bool
    }

    let rows: [Row]
    let nextPath: String?
    let firstPath: String?
}

extension Console {
    func declareGroups(_ routes: inout Routes) {
        page(&routes, "/groups", for: .getGroup) { visit in
            let after = visit.query("after").flatMap { GroupName($0) }
            let (groups, next) = try await management.listGroups(
                visit.caller, limit: Page.standardLimit, after: after, isCounted: true)
            let marked = Flash(visit.request.headers)?.id
            let view = GroupsPage(
                rows: groups.map { visit.row($0, marked: marked) },
                nextPath: next.map { "/console/groups?after=\($0)" }, firstPath: after == nil ? nil : "/console/groups")
            return try await visit.page("groups", view, in: .groups)
        }
        declareGroupForm(&routes)
        declareGroupPage(&routes)
        declareGroupDraft(&routes)
        declareGroupSteps(&routes)
    }
}

extension Visit {
    fileprivate func row(_ details: GroupDetails, marked: Identifier?) -> GroupsPage.Row {
        let group = details.group
        return GroupsPage.Row(
            id: "group-\(group.name)", name: group.name, path: path(of: group),
            draftPath: path(of: group) + "/multiplier", multiplier: times(details.multiplier),
            use: words(for: details.use), version: version(details.version, of: group),
            since: details.version.map { formats.dated($0.effectiveAt) },
            scheduled: details.scheduled.map { strings("group.scheduled_from", ["times": times($0.multiplier)]) },
            begins: details.scheduled.map { formats.exactly($0.effectiveAt) }, isRetired: group.isRetired,
            isNew: marked != nil && group.multipliers.contains { $0.id == marked })
    }

    /// The group that the address names.
    func groupName() throws(Problem) -> GroupName {
        guard let name = context.parameters.get("group").flatMap({ GroupName($0) }) else { throw Problem.notFound }
        return name
    }

    func path(of group: PricingGroup) -> String { "/console/groups/" + group.name }

    /// `× 0.8`
    func times(_ multiplier: Multiplier?) -> String {
        strings("group.times", ["multiplier": multiplier?.decimal ?? "?"])
    }

    /// `v2`: versions are counted in the order of their beginnings.
    func version(_ version: MultiplierVersion?, of group: PricingGroup) -> String {
        let index = group.multipliers.firstIndex { $0.id == version?.id } ?? 0
        return strings("group.version", ["number": formats.number(index + 1)])
    }

    /// `4 accounts, 22 keys`
    func words(for use: GroupUse?) -> String {
        guard let use else { return "" }
        func count(_ key: String, _ number: Int) -> String {
            let more = number < GroupUse.most ? "" : "+"
            return number == 1
                ? strings("group.\(key).one", ["count": formats.number(number)])
                : strings("group.\(key).other", ["count": formats.number(number) + more])
        }
        return strings(
            "group.used", ["accounts": count("accounts", use.accounts), "keys": count("keys", use.keys)])
    }
}
