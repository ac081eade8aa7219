import Accounts
import Catalog
import Credentials
import Database
import HTTPTypes
import Hummingbird
import Metering
import Policy
import Secrets
import Web

extension ManagementAPI {
    func declareCredentials(_ routes: inout Routes) {
        on(&routes, .get, "/credentials", needs: .scope(.credentialsRead)) { call in
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
            let name: OptionalName? = try fields.optional("name")
            let group: GroupName? = try fields.optional("group")
            let terms = KeyTerms(
                expiresAt: try fields.time("expired_at"),
                creditLimit: try fields.credits("limited_amount", in: Self.limits),
                monthlyLimit: try fields.credits("monthly_limit", in: Self.limits), group: group?.text)
            try fields.unsupported("host")
            try fields.noOthers(setByServer: Self.credentialServerFields)
            let (credential, secret) = try await credentials.issue(
                CredentialDraft(application: application, name: name ?? .empty, terms: terms), by: call.actor.user)
            var json = credential.json(KeyMeter(), at: credential.createdAt)
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
            edit.name = try fields.edit("name", as: OptionalName.self).cleared(to: .empty)
            edit.expiresAt = try fields.editTime("expired_at").optional
            edit.creditLimit = try fields.editCredits("limited_amount", in: Self.limits).optional
            edit.monthlyLimit = try fields.editCredits("monthly_limit", in: Self.limits).optional
            edit.group = try fields.edit("group", as: GroupName.self).optional
            try fields.unsupported("host")
            try fields.noOthers(setByServer: Self.credentialServerFields.union(["application_id"]))
            return try await answer(credentials.edit(id, of: call.actor.account, edit))
        }

        on(&routes, .delete, "/credentials/{credential_id}", needs: .scope(.credentialsDelete)) { call in
            try await credentials.delete(call.identifier("credential_id"), of: call.actor.account)
            return Response(status: .noContent)
        }
    }

    private func answer(_ credential: Credential) async throws -> Response {
        let now = clock.now()
        let meters = try await metering.meters(of: [credential.id], in: Month(of: now))
        return .json(.object(credential.json(meters[credential.id] ?? KeyMeter(), at: now)))
    }

    private static let limits: ClosedRange<Int64> = 0...Credits.most.micro

    private static let credentialServerFields: Set<String> = [
        "id", "user_id", "account_id", "type", "token", "username", "password", "used_amount", "monthly_used",
        "created_at", "updated_at", "status", "hint",
    ]
}

extension Credential {
    /// The fields of the Ace document (seed 004) in their order, then ours. The secret is not among them: the answer to
    /// the creation alone adds it.
    fileprivate func json(_ meter: KeyMeter, at now: Timestamp) -> JSONObject {
        [
            "id": .string(id.description), "user_id": .string(creator.description),
            "application_id": .string(application.description), "type": "Token", "username": nil, "password": nil,
            "host": nil, "limited_amount": JSON(terms.creditLimit), "used_amount": JSON(meter.usage.posted),
            "expired_at": JSON(terms.expiresAt?.rfc3339), "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339), "name": .string(name), "hint": .string(hint),
            "status": .string(status(meter, at: now).rawValue), "monthly_limit": JSON(terms.monthlyLimit),
            "monthly_used": JSON(meter.month.posted), "group": JSON(terms.group),
        ]
    }
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

    /// For a field that null empties.
    fileprivate func cleared(to empty: Value) -> Value? {
        switch self {
        case .absent: nil
        case .clear: empty
        case .set(let value): value
        }
    }
}
