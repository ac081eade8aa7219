import Accounts
import Catalog
import Credentials
import Database
import Management
import Metering
import Policy
import Values

/// What is known of a key, beside what it may use.
extension Visit {
    func facts(of key: KeyDetails, _ costs: KeyCosts) async throws -> [KeyPage.Fact] {
        let (credential, terms) = (key.credential, key.credential.terms)
        func fact(_ name: String, _ value: String, _ more: String? = nil) -> KeyPage.Fact {
            KeyPage.Fact(name: strings(name), value: value, more: more)
        }
        let days = { (from: Timestamp) in
            let days = Int(max(0, key.at.seconds - from.seconds) / 86_400)
            return strings.count("key.days", days, shown: formats.number(days))
        }
        let group = terms.group ?? costs.defaultGroup
        let multiplier = costs.groups.first { $0.group.name == group }?.multiplier?.decimal ?? ""
        let maker =
            may(.listUsers)
            ? try await management.listUsers(
                caller, of: try account(), Page(limit: Page.limits.upperBound)
            ).items.first { $0.id == credential.creator }?.email : nil
        let secret = strings("key.reveal." + credential.reveal.rawValue)
        let shown = credential.revealedAt.map {
            strings.count(
                "key.shown_times", Int(credential.reveals), shown: formats.number(Int(credential.reveals)),
                ["time": formats.exact($0)])
        }
        return [
            fact(
                "keys.expiry", terms.expiresAt.map(formats.exact) ?? strings("key.permanent"),
                terms.expiresAt.flatMap(formats.local)),
            fact(
                "keys.addresses", terms.addresses.map { $0.map(\.text).joined(separator: ", ") } ?? strings("key.any")),
            fact("key.models", terms.models?.joined(separator: ", ") ?? strings("key.any")),
            fact("key.host", terms.host?.text ?? strings("key.no_host")),
            fact("key.group", strings("key.group_choice", ["name": group, "multiplier": multiplier])),
            fact("issued.secret", secret, shown),
            fact(
                "key.age", days(credential.createdAt),
                strings(
                    "key.secret_age",
                    ["days": days(credential.secret.createdAt), "due": formats.date(key.rotationDueAt)])),
            fact("key.made_by", maker ?? strings("key.somebody_gone"), formats.exact(credential.createdAt)),
        ]
    }

    /// Which calls of the last seven days were refused, and how all of them stand beside the seven days before.
    func refused(_ key: KeyDetails) async throws -> ([KeyPage.Refused], RefusalTrend) {
        guard may(.listRefusedCalls) else { return ([], RefusalTrend()) }
        var question = RefusedCallsQuestion()
        (question.last, question.by, question.credential) = (RefusalTrend.days, [.day, .code], key.credential.id)
        var (codes, all) = ([String: RefusalTrend](), RefusalTrend())
        for (group, calls) in try await management.listRefusedCalls(caller, question).lines {
            guard let code = group.code, let day = group.day else { continue }
            codes[code, default: RefusalTrend()].add(calls, on: day, today: Day(of: key.at))
            all.add(calls, on: day, today: Day(of: key.at))
        }
        let shown = codes.filter { $0.value.now > 0 }.sorted { ($1.value.now, $0.key) < ($0.value.now, $1.key) }
        return (
            shown.map {
                KeyPage.Refused(
                    code: $0.key, sentence: strings.denial($0.key), count: formats.number(Int($0.value.now)),
                    isRising: $0.value.isRising)
            }, all
        )
    }
}
