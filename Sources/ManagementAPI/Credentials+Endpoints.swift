import Catalog
import Credentials
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Management
import Metering
import Policy
import Secrets
import Values
import Web

extension ManagementAPI {
    func declareCredentials(_ routes: inout Routes) {
        on(&routes, .get, "/credentials", for: .listCredentials, takesQuery: true) { call in
            var query = try call.query()
            var question = KeyListQuestion()
            question.search = try query.text("search")
            question.statuses = try query.words("status")
            question.application = try query.identifier("application_id")
            question.label = try query.text("label")
            question.environment = try query.text("environment")
            question.sort = try query.text("sort") ?? .standard
            let (limit, cursor) = try query.markedPage()
            try query.noOthers()
            let listing = try await management.listCredentials(call.caller, question, limit: limit, cursor: cursor)
            return .json([
                "items": .array(listing.items.map { .object($0.json) }), "next_cursor": JSON(listing.next?.text),
            ])
        }

        on(&routes, .post, "/credentials", for: .createCredential) { call in
            var fields = try await call.fields()
            let application: Identifier = try fields.required("application_id")
            let name: OptionalName? = try fields.settable("name")
            let group: GroupName? = try fields.optional("group")
            let terms = KeyTerms(
                expiresAt: try fields.time("expired_at"),
                creditLimit: try fields.credits("limited_amount", in: CredentialDraft.limits),
                monthlyLimit: try fields.credits("monthly_limit", in: CredentialDraft.limits), group: group?.text,
                models: try fields.editTexts("models", as: ModelName.self, in: CredentialDraft.listed).value?
                    .map(\.text),
                addresses: try fields.editTexts("ip_allowlist", in: CredentialDraft.listed).value,
                host: try fields.optional("host"))
            let labels = try fields.texts("labels", as: KeyLabel.self, atMost: KeyLabel.most) ?? []
            let environment: KeyEnvironment? = try fields.optional("environment")
            let isRevealable = try fields.flag("revealable") ?? false
            try fields.refuse("type", "is set by the server: every key that can be made now is of the type Token")
            try fields.noOthers(setByServer: Self.credentialServerFields.union(["enabled"]))
            let draft = CredentialDraft(
                application: application, name: name ?? .empty, terms: terms, labels: labels, environment: environment,
                isRevealable: isRevealable)
            return .json(try await management.createCredential(call.caller, draft).json, status: .created)
        }

        on(&routes, .get, "/credentials/{credential_id}", for: .getCredential) { call in
            .json(.object(try await management.getCredential(call.caller, call.identifier("credential_id")).json))
        }

        on(&routes, .patch, "/credentials/{credential_id}", for: .updateCredential) { call in
            let id = try call.identifier("credential_id")
            var fields = try await call.fields()
            var edit = CredentialEdit()
            edit.name = try fields.settable("name")
            edit.expiresAt = try fields.editTime("expired_at").optional
            edit.creditLimit = try fields.editCredits("limited_amount", in: CredentialDraft.limits).optional
            edit.monthlyLimit = try fields.editCredits("monthly_limit", in: CredentialDraft.limits).optional
            edit.group = try fields.edit("group", as: GroupName.self).optional
            edit.models = try fields.editTexts("models", in: CredentialDraft.listed).optional
            edit.addresses = try fields.editTexts("ip_allowlist", in: CredentialDraft.listed).optional
            edit.host = try fields.edit("host", as: HostName.self).optional
            edit.labels = try fields.texts("labels", atMost: KeyLabel.most)
            edit.environment = try fields.edit("environment", as: KeyEnvironment.self).optional
            edit.isEnabled = try fields.flag("enabled")
            try fields.noOthers(
                setByServer: Self.credentialServerFields.union(["application_id", "revealable"]))
            return .json(.object(try await management.updateCredential(call.caller, id, edit).json))
        }

        on(&routes, .delete, "/credentials/{credential_id}", for: .deleteCredential) { call in
            try await management.deleteCredential(call.caller, call.identifier("credential_id"))
            return Response(status: .noContent)
        }
    }

    private static let credentialServerFields: Set<String> = [
        "id", "user_id", "account_id", "type", "token", "username", "password", "used_amount", "monthly_used",
        "created_at", "updated_at", "status", "hint", "reveal", "reveals", "revealed_at", "leak_reported_at",
        "last_used_at", "rotation_due_at", "secrets",
    ]
}

extension KeyDetails {
    /// The fields of the Ace document (seed 004) in their order, then ours. The secret is not among them: the answer to
    /// the creation alone adds it.
    var json: JSONObject {
        let terms = credential.terms
        let retiring = credential.retiring?.json(isSafeToRetire: credential.isSafeToRetire(at: at))
        return [
            "id": .string(credential.id.description), "user_id": .string(credential.creator.description),
            "application_id": .string(credential.application.description), "type": "Token", "username": nil,
            "password": nil, "host": JSON(terms.host?.text), "limited_amount": JSON(terms.creditLimit),
            "used_amount": JSON(meter.usage.posted), "expired_at": JSON(terms.expiresAt?.rfc3339),
            "created_at": .string(credential.createdAt.rfc3339), "updated_at": .string(credential.updatedAt.rfc3339),
            "name": .string(credential.name), "hint": .string(credential.hint), "status": .string(status.rawValue),
            "monthly_limit": JSON(terms.monthlyLimit), "monthly_used": JSON(meter.month.posted),
            "group": JSON(terms.group), "models": JSON(terms.models),
            "ip_allowlist": JSON(terms.addresses?.map(\.text)), "enabled": .bool(credential.isEnabled),
            "reveal": .string(credential.reveal.rawValue), "reveals": JSON(credential.reveals),
            "revealed_at": JSON(credential.revealedAt?.rfc3339),
            "leak_reported_at": JSON(credential.leakReportedAt?.rfc3339),
            "labels": .array(credential.labels.map(JSON.string)), "environment": JSON(credential.environment),
            "last_used_at": JSON(credential.lastUsedAt?.rfc3339), "rotation_due_at": .string(rotationDueAt.rfc3339),
            "secrets": .array([credential.secret.json(isSafeToRetire: false)] + [retiring].compactMap(\.self)),
        ]
    }
}

extension IssuedKey {
    /// One of the few answers that carry a secret.
    var json: JSON {
        var json = key.json
        json["token"] = .string(secret.exposed())
        return .object(json)
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
