import Accounts
import Catalog
import Credentials
import Database
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Metering
import Policy
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareCredentials(_ routes: inout Routes) {
        on(&routes, .get, "/credentials", needs: .scope(.credentialsRead), takesQuery: true) { call in
            var query = try call.query()
            let application = try query.identifier("application_id")
            let page = try query.page()
            try query.noOthers()
            let now = clock.now()
            let listing = try await credentials.list(of: call.actor.account, application: application, page)
            let meters = try await metering.meters(of: listing.items.map(\.id), in: Month(of: now))
            return listing.json { .object($0.json(meters[$0.id] ?? KeyMeter(), at: now)) }
        }

        on(&routes, .post, "/credentials", needs: .scope(.credentialsWrite)) { call in
            var fields = try await call.fields()
            let application: Identifier = try fields.required("application_id")
            let name: OptionalName? = try fields.settable("name")
            try refuseKey(in: name, "name")
            let group: GroupName? = try fields.optional("group")
            let terms = KeyTerms(
                expiresAt: try fields.time("expired_at"),
                creditLimit: try fields.credits("limited_amount", in: Self.limits),
                monthlyLimit: try fields.credits("monthly_limit", in: Self.limits), group: group?.text,
                models: try fields.editTexts("models", as: ModelName.self, in: Self.listed).value?.map(\.text),
                addresses: try fields.editTexts("ip_allowlist", in: Self.listed).value,
                host: try fields.optional("host"))
            let isRevealable = try fields.flag("revealable") ?? false
            try fields.refuse("type", "is set by the server: every key that can be made now is of the type Token")
            try fields.noOthers(setByServer: Self.credentialServerFields.union(["enabled"]))
            let draft = CredentialDraft(
                application: application, name: name ?? .empty, terms: terms, isRevealable: isRevealable)
            let (credential, secret) = try await credentials.issue(draft, by: call.actor.user, call.author)
            // Nothing can have been used of a key whose secret nobody has yet.
            var json = credential.json(KeyMeter(), at: clock.now())
            json["token"] = .string(secret.exposed())
            return .json(.object(json), status: .created)
        }

        on(&routes, .get, "/credentials/{credential_id}", needs: .scope(.credentialsRead)) { call in
            let credential = try await credentials.find(call.identifier("credential_id"), of: call.actor.account)
            return try await answer(credential)
        }

        on(&routes, .patch, "/credentials/{credential_id}", needs: .scope(.credentialsWrite)) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            var edit = CredentialEdit()
            edit.name = try fields.settable("name")
            try refuseKey(in: edit.name, "name")
            edit.expiresAt = try fields.editTime("expired_at").optional
            edit.creditLimit = try fields.editCredits("limited_amount", in: Self.limits).optional
            edit.monthlyLimit = try fields.editCredits("monthly_limit", in: Self.limits).optional
            edit.group = try fields.edit("group", as: GroupName.self).optional
            edit.models = try fields.editTexts("models", in: Self.listed).optional
            edit.addresses = try fields.editTexts("ip_allowlist", in: Self.listed).optional
            edit.host = try fields.edit("host", as: HostName.self).optional
            edit.isEnabled = try fields.flag("enabled")
            try fields.noOthers(
                setByServer: Self.credentialServerFields.union(["application_id", "revealable"]))
            return try await answer(credentials.edit(id, of: call.actor.account, edit, by: call.author))
        }

        on(&routes, .delete, "/credentials/{credential_id}", needs: .fresh(.credentialsDelete)) { call in
            try await credentials.delete(call.identifier("credential_id"), of: call.actor.account, by: call.author)
            return Response(status: .noContent)
        }
    }

    /// A key that somebody puts where it is shown and recorded would be a secret no more.
    func refuseKey(in text: OptionalName?, _ field: String) throws(Problem) {
        if let text, credentials.isKeyIn(text.text) { throw .invalid(field, "must not contain a key") }
    }

    /// - Parameter secret: for the few answers that carry it.
    func answer(
        _ credential: Credential, _ secret: Secret? = nil
    ) async throws -> Response {
        let now = clock.now()
        let meters = try await metering.meters(of: [credential.id], in: Month(of: now))
        var json = credential.json(meters[credential.id] ?? KeyMeter(), at: now)
        if let secret { json["token"] = .string(secret.exposed()) }
        return .json(.object(json))
    }

    private static let limits: ClosedRange<Int64> = 0...Credits.most.micro
    /// How many models or addresses a list of them may have.
    private static let listed = 1...100

    private static let credentialServerFields: Set<String> = [
        "id", "user_id", "account_id", "type", "token", "username", "password", "used_amount", "monthly_used",
        "created_at", "updated_at", "status", "hint", "reveal", "reveals", "revealed_at", "leak_reported_at", "secrets",
    ]
}

extension Credential {
    /// The fields of the Ace document (seed 004) in their order, then ours. The secret is not among them: the answer to
    /// the creation alone adds it.
    fileprivate func json(_ meter: KeyMeter, at now: Timestamp) -> JSONObject {
        [
            "id": .string(id.description), "user_id": .string(creator.description),
            "application_id": .string(application.description), "type": "Token", "username": nil, "password": nil,
            "host": JSON(terms.host?.text), "limited_amount": JSON(terms.creditLimit),
            "used_amount": JSON(meter.usage.posted),
            "expired_at": JSON(terms.expiresAt?.rfc3339), "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339), "name": .string(name), "hint": .string(hint),
            "status": .string(status(meter, at: now).rawValue), "monthly_limit": JSON(terms.monthlyLimit),
            "monthly_used": JSON(meter.month.posted), "group": JSON(terms.group),
            "models": JSON(terms.models), "ip_allowlist": JSON(terms.addresses?.map(\.text)),
            "enabled": .bool(isEnabled), "reveal": .string(reveal.rawValue), "reveals": JSON(reveals),
            "revealed_at": JSON(revealedAt?.rfc3339), "leak_reported_at": JSON(leakReportedAt?.rfc3339),
            "secrets": .array(
                [secret.json(isSafeToRetire: false)]
                    + [retiring?.json(isSafeToRetire: isSafeToRetire(at: now))].compactMap(\.self)),
        ]
    }
}

extension KeySecret {
    fileprivate func json(isSafeToRetire: Bool) -> JSON {
        [
            "hint": .string(hint), "created_at": .string(createdAt.rfc3339),
            "last_used_at": JSON(lastUsedAt?.rfc3339), "ends_at": JSON(endsAt?.rfc3339),
            "safe_to_retire": .bool(isSafeToRetire),
        ]
    }
}

extension JSON {
    /// An array of texts, or null.
    fileprivate init(_ texts: [String]?) { self = texts.map { .array($0.map(JSON.string)) } ?? .null }
}

extension FieldReader.Edit {
    /// Absent, taken away or set, as the edits of the domain say it.
    fileprivate var optional: Value?? {
        switch self {
        case .absent: nil
        case .clear: .some(nil)
        case .set(let value): value
        }
    }

    /// For what is new: absent and null are the same.
    fileprivate var value: Value? {
        guard case .set(let value) = self else { return nil }
        return value
    }
}
