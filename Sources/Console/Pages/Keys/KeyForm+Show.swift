import Accounts
import Applications
import Catalog
import Credentials
import HTTPTypes
import Hummingbird
import Management
import Metering
import Policy
import Values

import struct Applications.Application

extension Visit {
    /// - Parameter old: the key that is changed; `nil` for a new one.
    func keyForm(_ form: Form, of old: KeyDetails?, status: HTTPResponse.Status = .ok) async throws -> Response {
        let costs = try await KeyCosts(self)
        let (all, found) = try await applications(of: old.map { [$0] } ?? [])
        let slots = try await management.keySlots(caller)
        let balance = try await management.getAccount(caller, try account()).balance.amount
        let chosen =
            old.map { $0.credential.application }
            ?? Identifier(form.has("application_id") ? form.text("application_id") : query("application") ?? "")
            ?? all.first?.id
        let app = chosen.flatMap { found[$0] }
        let group = form.has("group") ? form.text("group").string : old?.credential.terms.group ?? ""
        let cost = costs.cost(in: app, group: group.isEmpty ? nil : group)
        let terms = old?.credential.terms
        let restricted = restrictionFields(form, old)
        let own = (terms?.models ?? []).map { Text($0) }
        let models = form.has("name") ? form.texts("models") : own
        let (marks, none) = (marks(form, old), Form.mark("models", []))
        let faults = ["models", "group"].contains { form.faults[$0] != nil } || restricted.contains { $0.fault != nil }
        let view = KeyForm(
            title: strings(old == nil ? "key.new" : "key.edit"),
            lead: old.map { strings("key.edit_lead", ["hint": $0.credential.hint]) }
                ?? strings(
                    "key.new_lead",
                    [
                        "live": formats.number(slots.live + 1), "cap": formats.number(slots.cap),
                        "left": formats.number(slots.creationsLeft),
                    ]),
            action: request.uri.path, button: strings(old == nil ? "key.create" : "action.save"),
            backPath: old.map { "/console/keys/\($0.credential.id)" } ?? "/console/keys",
            foot: strings(old == nil ? "key.new_foot" : "key.edit_foot"),
            failure: form.failure,
            name: form.field(
                "name", value: old?.credential.name ?? "", label: strings("field.name"), hasFocus: old == nil),
            isNew: old == nil,
            doors: all.map {
                KeyForm.DoorChoice(
                    value: $0.id.description, name: $0.name, price: costs.price(in: $0)?.decimal ?? "",
                    isChosen: $0.id == chosen)
            },
            doorFault: form.faults["application_id"], door: old == nil ? nil : app.map { Door($0.name) },
            price: costs.price(in: app)?.decimal ?? "", isRevealable: form.text("revealable") == "yes",
            isEnabled: form.has("enabled") ? form.text("enabled") == "yes" : old?.credential.isEnabled ?? true,
            revealFault: form.faults["revealable"],
            limits: [
                limit(
                    form, "monthly_limit", terms?.monthlyLimit, cost,
                    help: strings("key.monthly_help")),
                limit(
                    form, "limited_amount", terms?.creditLimit, cost,
                    help: strings("key.credit_help", ["balance": formats.credits(balance)])),
            ],
            expiries: expiries(form, terms?.expiresAt),
            expiredAt: form.field(
                "expired_at", value: terms?.expiresAt.map(KeyExpiry.text) ?? "", label: strings("key.date"),
                type: "datetime-local", isOptional: true),
            zone: formats.offset(at: formats.now).map { strings("key.date_zone", ["offset": $0]) }
                ?? strings("key.date_utc"),
            summary: summary(old, costs), showsRestrictions: faults,
            models: modelChoices(models, own, costs), modelFault: form.faults["models"],
            hasRestriction: marks.contains { $0.name == none.name && $0.value != none.value },
            isForAllModels: form.has("all_models"), addresses: restricted[0], host: restricted[1],
            groups: groupChoices(group, terms?.group, costs), groupFault: form.faults["group"], labels: restricted[2],
            environment: restricted[3],
            environments: KeyEnvironment.usual.map { KeyForm.Suggestion(value: $0) }, marks: marks)
        return try await page("key-form", view, in: .keys, status: status)
    }

    /// A new key has boxes that were ticked only when its form is shown again.
    private func marks(_ form: Form, _ old: KeyDetails?) -> [Form.Carried] {
        if let old { return form.marks(of: KeyFields.shown(old, formats)) }
        let ticked = form.texts("models")
        return ticked.isEmpty ? form.marks(of: []) : [Form.mark("models", ticked)]
    }

    /// A key's own model, or one that was ticked, may have come after the first hundred, or be gone.
    private func modelChoices(_ ticked: [Text], _ own: [Text], _ costs: KeyCosts) -> [KeyForm.ModelChoice] {
        var names = costs.models.map { Text($0) }
        for name in own + ticked where !names.contains(name) { names.append(name) }
        let ticked = Set(ticked)
        return names.map { KeyForm.ModelChoice(name: $0.string, isChosen: ticked.contains($0)) }
    }

    private func limit(
        _ form: Form, _ name: String, _ old: Credits?, _ cost: Credits?, help: String
    ) -> KeyForm.Limit {
        let field = form.field(
            name, value: old.map(formats.credits) ?? "", label: strings("key." + name), help: help, isOptional: true)
        let calls = KeyFields.amount(Text(field.value)).flatMap { KeyCosts.calls(for: $0, at: cost) }
        let worth = calls.flatMap { calls in
            cost.map {
                strings.count("key.worth", calls, shown: formats.number(calls), ["cost": formats.credits($0)])
            }
        }
        return KeyForm.Limit(field: field, worth: worth ?? "")
    }

    private func expiries(_ form: Form, _ old: Timestamp?) -> [KeyForm.Expiry] {
        let chosen = form.has("expiry") ? form.text("expiry").string : old == nil ? "never" : "date"
        let spans = KeyExpiry.spans.map { days in
            let end = formats.now.adding(.seconds(days * 86_400))
            let local = formats.local(end).map { strings("time.yours", ["time": $0]) } ?? ""
            return KeyForm.Expiry(
                value: String(days), name: strings("key.expiry_\(days)"), isChosen: chosen == String(days),
                ends: strings("key.ends", ["time": formats.exact(end) + local]))
        }
        return [
            KeyForm.Expiry(value: "never", name: strings("key.permanent"), isChosen: chosen == "never", ends: nil)
        ] + spans + [
            KeyForm.Expiry(value: "date", name: strings("key.expiry_date"), isChosen: chosen == "date", ends: nil)
        ]
    }

    /// Addresses, host, labels and environment.
    private func restrictionFields(_ form: Form, _ old: KeyDetails?) -> [Field] {
        let terms = old?.credential.terms
        return [
            form.field(
                "ip_allowlist", value: terms?.addresses?.map(\.text).joined(separator: "\n") ?? "",
                label: strings("key.addresses"), help: strings("key.addresses_help"), isOptional: true),
            form.field(
                "host", value: terms?.host?.text ?? "", label: strings("key.host"), help: strings("key.host_help"),
                isOptional: true),
            form.field(
                "labels", value: old?.credential.labels.joined(separator: " ") ?? "", label: strings("key.labels"),
                help: strings("key.labels_help"), isOptional: true),
            form.field(
                "environment", value: old?.credential.environment ?? "", label: strings("key.environment"),
                help: strings("key.environment_help"), isOptional: true),
        ]
    }

    /// - Parameter old: the group that the key has, which may have come after the first hundred, or not be usable any more.
    private func groupChoices(_ chosen: String, _ old: String?, _ costs: KeyCosts) -> [KeyForm.GroupChoice] {
        func words(_ details: GroupDetails?) -> (name: String, multiplier: String) {
            (details?.group.name ?? costs.defaultGroup, details?.multiplier?.decimal ?? "")
        }
        let own = words(costs.groups.first { $0.group.name == costs.defaultGroup })
        let standing = KeyForm.GroupChoice(
            value: "", name: strings("key.group_own", ["name": own.name, "multiplier": own.multiplier]),
            multiplier: own.multiplier, isChosen: chosen.isEmpty)
        let others = [old].compactMap(\.self).filter { name in !costs.groups.contains { $0.group.name == name } }.map {
            KeyForm.GroupChoice(value: $0, name: $0, multiplier: "", isChosen: chosen == $0)
        }
        return [standing]
            + costs.groups.map { details in
                let group = words(details)
                return KeyForm.GroupChoice(
                    value: group.name,
                    name: strings("key.group_choice", ["name": group.name, "multiplier": group.multiplier]),
                    multiplier: group.multiplier, isChosen: chosen == group.name)
            } + others
    }

    /// What the folded part says, while it is folded.
    private func summary(_ old: KeyDetails?, _ costs: KeyCosts) -> String {
        guard let old else { return strings("key.restrictions_none") }
        let terms = old.credential.terms
        let count = [
            terms.models != nil, terms.addresses != nil, terms.host != nil, terms.group != nil,
            !old.credential.labels.isEmpty, old.credential.environment != nil,
        ].filter(\.self).count
        return count == 0
            ? strings("key.restrictions_none")
            : strings.count("key.restrictions_set", count, shown: formats.number(count))
    }
}
