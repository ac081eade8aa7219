import Accounts
import Applications
import Credentials
import Entrance
import HTTP
import Hummingbird
import Management
import Metering
import Policy
import Values
import Web

/// One key: what it may use and has used, its secrets, whether a call would be allowed, and how to stop it.
struct KeyPage: View {
    /// A limit, or that there is none.
    struct Limit: View {
        let name: String
        let when: String
        let quota: Quota?
        let used: String
        let note: String
    }

    struct SecretRow: View {
        let name: String
        let hint: String
        let made: Moment
        let lastUsed: Moment?
        let mayRetire: Bool
    }

    struct Fact: View {
        let name: String
        let value: String
        let more: String?
    }

    struct Refused: View {
        let code: String
        let sentence: String
        let count: String
        let isRising: Bool
    }

    let name: String
    let hint: String
    let door: Door
    let status: Status
    let environment: String?
    let path: String
    let hints: [Note]
    let limits: [Limit]
    let secrets: [SecretRow]
    let overlap: Rich?
    let retire: Note?
    let facts: [Fact]
    let labels: [String]
    let refused: [Refused]
    let explained: Explained
    let isEnabled: Bool
    let mayWrite: Bool
    let isRevealable: Bool
    let deleteHelp: String
}

extension Console {
    func declareKey(_ routes: inout Routes) {
        page(&routes, "/keys/{credential_id}", for: .getCredential) { visit in
            let key = try await management.getCredential(visit.caller, try visit.identifier("credential_id"))
            return try await visit.keyPage(key)
        }

        page(&routes, "/keys/{credential_id}/edit", for: .updateCredential) { visit in
            let id = try visit.identifier("credential_id")
            return try await visit.keyForm(
                Form(visit.strings), of: try await management.getCredential(visit.caller, id))
        }

        form(&routes, "/keys/{credential_id}/edit", for: .updateCredential) { visit, form in
            var form = form
            let old = try await management.getCredential(visit.caller, try visit.identifier("credential_id"))
            let fields = KeyFields(&form, visit.strings)
            guard form.isGood else { return try await visit.keyForm(form, of: old, status: .badRequest) }
            do {
                let id = old.credential.id
                _ = try await management.updateCredential(visit.caller, id, fields.edit(of: old, form))
                return visit.see("/console/keys#key-\(id)", Flash(.saved, id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.code == .notFound { throw refusal }
                form.noteOfKey(refusal)
                return try await visit.keyForm(form, of: old, status: refusal.problem.status)
            }
        }

        for (word, isEnabled) in [("enable", true), ("disable", false)] {
            form(&routes, "/keys/{credential_id}/\(word)", for: .updateCredential) { visit, _ in
                let id = try visit.identifier("credential_id")
                var edit = CredentialEdit()
                edit.isEnabled = isEnabled
                _ = try await management.updateCredential(visit.caller, id, edit)
                return visit.see("/console/keys/\(id)", Flash(.saved, id))
            }
        }
    }
}

extension Visit {
    fileprivate func keyPage(_ key: KeyDetails) async throws -> Response {
        let credential = key.credential
        let application = try await management.getApplication(caller, credential.application)
        let costs = try await KeyCosts(self)
        let cost = costs.cost(in: application, group: credential.terms.group)
        let balance = try await management.getAccount(caller, try account()).balance.amount
        let calls = try await management.countCalls(caller, of: credential.id)
        let mayWrite = may(.updateCredential)
        let (refused, trend) = try await refused(key)
        let view = KeyPage(
            name: name(of: key), hint: credential.hint, door: Door(application.name), status: status(of: key, trend),
            environment: credential.environment.map(environment), path: "/console/keys/\(credential.id)",
            hints: KeyHint.all(of: key, trend, formats).filter { $0.tone != nil }.map {
                Note($0.tone ?? .warn, strings.rich("key.hint", ["text": $0.text]))
            },
            limits: limits(of: key, cost, balance), secrets: secrets(of: key, mayWrite: mayWrite),
            overlap: credential.retiring?.endsAt.map {
                strings.rich("key.overlap", ["time": formats.exact($0)])
            },
            retire: credential.retiring.map { _ in retireNote(key) },
            facts: try await facts(of: key, costs), labels: credential.labels, refused: refused,
            explained: try await explained(key, application), isEnabled: credential.isEnabled, mayWrite: mayWrite,
            isRevealable: credential.reveal == .available,
            deleteHelp: strings(
                credential.retiring == nil ? "key.delete_help" : "key.delete_help_two",
                ["app": application.name, "calls": count(calls)]))
        return try await page("key", view, in: .keys)
    }

    /// A count of calls, or at least so many.
    func count(_ calls: CallCount) -> String {
        let number = formats.number(Int(calls.calls))
        return calls.isAtLeast ? strings("key.at_least", ["count": number]) : number
    }

    private func limits(of key: KeyDetails, _ cost: Credits?, _ balance: Credits) -> [KeyPage.Limit] {
        let (terms, meter) = (key.credential.terms, key.meter)
        func limit(_ name: String, when: String, _ used: Credits, _ limit: Credits?, _ span: String) -> KeyPage.Limit {
            let quota = limit.map { self.quota(used, of: $0, span, cost: cost) }
            return KeyPage.Limit(
                name: name, when: when, quota: quota,
                used: strings("key.used_unlimited", ["credits": formats.credits(used)]),
                note: strings("key.bound_by_account", ["balance": formats.credits(balance)]))
        }
        return [
            limit(
                strings("key.this_month"),
                when: strings("key.starts_again", ["time": formats.exact(Self.nextMonth(after: key.at))]),
                meter.month.posted, terms.monthlyLimit, "key.span_month"),
            limit(
                strings("key.in_total"),
                when: strings("key.since", ["date": formats.date(key.credential.createdAt)]), meter.usage.posted,
                terms.creditLimit, "key.span_total"),
        ]
    }

    private func secrets(of key: KeyDetails, mayWrite: Bool) -> [KeyPage.SecretRow] {
        let (current, old) = (key.credential.secret, key.credential.retiring)
        func row(_ secret: KeySecret, _ name: String, mayRetire: Bool) -> KeyPage.SecretRow {
            KeyPage.SecretRow(
                name: strings(name), hint: secret.hint, made: formats.exactly(secret.createdAt),
                lastUsed: secret.lastUsedAt.map(formats.moment), mayRetire: mayRetire && mayWrite)
        }
        guard let old else { return [row(current, "key.secret_only", mayRetire: false)] }
        return [row(current, "key.secret_new", mayRetire: false), row(old, "key.secret_old", mayRetire: true)]
    }

    /// Whether the old secret can go.
    func retireNote(_ key: KeyDetails) -> Note {
        let credential = key.credential
        guard credential.isSafeToRetire(at: key.at) else {
            return Note(
                .warn,
                strings.rich(credential.secret.lastUsedAt == nil ? "key.retire_unused" : "key.retire_not_yet"))
        }
        let since = max(credential.retiring?.lastUsedAt ?? credential.secret.createdAt, credential.secret.createdAt)
        let days = Int((key.at.seconds - since.seconds) / 86_400)
        return Note(
            .good,
            strings.rich("key.retire_safe").followed(
                by: strings.count("key.retire_silent", days, shown: formats.number(days))))
    }
}
