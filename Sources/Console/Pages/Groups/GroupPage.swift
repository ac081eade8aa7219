import Catalog
import Hummingbird
import Management
import Values
import Web

/// One pricing group: the versions of its multiplier, the latest first.
struct GroupPage: View {
    struct Version: View {
        let id: String
        let name: String
        let multiplier: String
        let from: Moment
        let until: Moment?
        /// The same in the person's own time, where it is known.
        let fromHere: String?
        let status: Status
        /// Where it can be withdrawn, before it has begun.
        let withdrawPath: String?
        let isNew: Bool
    }

    struct Fact: View {
        let name: String
        let value: String
        let more: String?
    }

    let path: String
    let name: String
    let lead: String
    let status: Status
    let versions: [Version]
    let nextPath: String?
    let firstPath: String?
    let facts: [Fact]
    let isRetired: Bool
    /// The one that every account falls back on, which can't be retired.
    let isStandard: Bool

    /// So many versions at a time.
    static let pageSize = 50
}

extension Console {
    func declareGroupPage(_ routes: inout Routes) {
        page(&routes, "/groups/{group}", for: .getGroup) { visit in
            let details = try await management.getGroup(visit.caller, visit.groupName())
            return try await visit.page("group", visit.groupPage(details), in: .groups)
        }
    }
}

extension Visit {
    fileprivate func groupPage(_ details: GroupDetails) -> GroupPage {
        let group = details.group
        let path = path(of: group)
        let all = Array(group.multipliers.reversed())
        let after = query("after").flatMap { Identifier($0) }
        let start = all.firstIndex { $0.id == after }.map { $0 + 1 } ?? 0
        let shown = all.dropFirst(start).prefix(GroupPage.pageSize)
        let marked = Flash(request.headers)?.id
        let toCome = Set(group.toCome(at: formats.now).map(\.id))
        return GroupPage(
            path: path, name: group.name,
            lead: strings(
                "group.lead",
                [
                    "times": times(details.multiplier),
                    "since": details.version.map { formats.exact($0.effectiveAt) } ?? "",
                ]),
            status: group.isRetired
                ? Status(.off, .hand, strings("group.retired"), reason: strings("group.retired_why"))
                : Status(.good, .active, strings("group.in_use")),
            versions: shown.enumerated().map { index, version in
                let next = start + index > 0 ? all[start + index - 1] : nil
                return row(
                    version, until: next?.effectiveAt, isInEffect: version.id == details.version?.id,
                    isToCome: toCome.contains(version.id), isNew: version.id == marked, of: group)
            },
            nextPath: start + shown.count < all.count ? shown.last.map { path + "?after=\($0.id)" } : nil,
            firstPath: start > 0 ? path : nil,
            facts: [
                GroupPage.Fact(
                    name: strings("group.use"), value: words(for: details.use), more: strings("group.use_help")),
                GroupPage.Fact(
                    name: strings("group.cost"), value: cost(details.multiplier),
                    more: strings("group.cost_help", ["price": formats.credits(Price.standard.credits)])),
                GroupPage.Fact(name: strings("group.created"), value: formats.exact(group.createdAt), more: nil),
            ],
            isRetired: group.isRetired, isStandard: Text(group.name) == Text(PricingGroup.standard))
    }

    /// What a call at the usual price costs in a group.
    func cost(_ multiplier: Multiplier?) -> String {
        multiplier.map { formats.credits(Price.standard.cost($0)) } ?? ""
    }

    private func row(
        _ version: MultiplierVersion, until: Timestamp?, isInEffect: Bool, isToCome: Bool, isNew: Bool,
        of group: PricingGroup
    ) -> GroupPage.Version {
        let status =
            isInEffect
            ? Status(.good, .active, strings("group.in_effect"))
            : isToCome
                ? Status(.warn, .month, strings("group.scheduled")) : Status(.off, .expired, strings("group.past"))
        return GroupPage.Version(
            id: "version-\(version.id)", name: self.version(version, of: group), multiplier: times(version.multiplier),
            from: formats.exactly(version.effectiveAt), until: until.map(formats.exactly),
            fromHere: isToCome ? formats.local(version.effectiveAt) : nil, status: status,
            withdrawPath: isToCome ? path(of: group) + "/multipliers/\(version.id)/withdraw" : nil, isNew: isNew)
    }
}
