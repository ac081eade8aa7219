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
import Values
import Web

extension ManagementAPI {
    func declareAccounts(_ routes: inout Routes) {
        on(&routes, .get, "/accounts", needs: .scope(.accountsRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            let listing = try await accounts.list(page)
            let balances = try await metering.balances(of: listing.items.map(\.id))
            return listing.json { $0.json(balances[$0.id] ?? Balance()) }
        }

        on(&routes, .post, "/accounts", needs: .scope(.accountsWrite)) { call in
            var fields = try await call.fields()
            let draft = AccountDraft(
                name: try fields.required("name"), cap: try Self.cap(&fields) ?? .standard,
                defaultGroup: try fields.settable("default_group"),
                groups: try Self.groups(&fields) ?? [])
            try fields.noOthers(setByServer: Self.accountServerFields.union(["suspended"]))
            return .json(try await accounts.create(draft, by: call.author).json(Balance()), status: .created)
        }

        on(&routes, .get, "/accounts/{account_id}", needs: .signedIn) { call in
            let id = try call.identifier("account_id")
            // Somebody else's account is, to a tenant, an absent one.
            if id != call.actor.account, !call.actor.scopes.contains(.accountsRead) { throw Problem.notFound }
            return .json(try await accounts.account(id).json(metering.balance(of: id)))
        }

        on(&routes, .patch, "/accounts/{account_id}", needs: .scope(.accountsWrite)) { call in
            let id = try call.identifier("account_id")
            var fields = try await call.fields()
            var edit = AccountEdit()
            edit.name = try fields.settable("name")
            edit.cap = try Self.cap(&fields)
            edit.defaultGroup = try fields.settable("default_group")
            edit.groups = try Self.groups(&fields)
            edit.isSuspended = try fields.flag("suspended")
            try fields.noOthers(setByServer: Self.accountServerFields)
            let account = try await accounts.edit(id, edit, by: call.author)
            return .json(account.json(try await metering.balance(of: id)))
        }

        on(&routes, .delete, "/accounts/{account_id}", needs: .freshSession, takesQuery: true) { call in
            try authorize(call.actor, .scope(.accountsWrite))
            let id = try call.identifier("account_id")
            var query = try call.query()
            let isConfirmed = try query.flag("confirmed")
            try query.noOthers()
            try await credentials.closeAccount(id, confirmed: isConfirmed, for: call.actor.user, by: call.author)
            return Response(status: .noContent)
        }

        on(&routes, .patch, "/accounts/{account_id}/key-policy", needs: .freshSession) { call in
            let id = try call.identifier("account_id")
            if id != call.actor.account { throw Problem.notFound }
            try authorize(call.actor, .scope(.credentialsWrite))
            var fields = try await call.fields()
            guard let isAllowed = try fields.flag("revealable") else {
                throw Problem.invalid("revealable", "is required")
            }
            try fields.noOthers()
            let account = try await credentials.allowRevealable(isAllowed, in: id, by: call.author)
            return .json(account.json(try await metering.balance(of: id)))
        }
    }

    private static let accountServerFields: Set<String> = [
        "id", "balance", "held", "available", "revealable_keys", "created_at", "updated_at", "closed_at",
    ]
    /// The most groups that an account may choose among.
    private static let groupLimit = 100

    private static func groups(_ fields: inout FieldReader) throws(InvalidField) -> [GroupName]? {
        guard let groups: [GroupName] = try fields.texts("groups", atMost: groupLimit) else { return nil }
        var seen: Set<GroupName> = []
        for (index, group) in groups.enumerated() where !seen.insert(group).inserted {
            throw InvalidField("groups[\(index)]", "comes twice")
        }
        return groups
    }

    private static func cap(_ fields: inout FieldReader) throws -> CredentialCap? {
        try fields.integer("credential_cap", in: CredentialCap.range).flatMap { CredentialCap($0) }
    }
}

extension Account {
    fileprivate func json(_ balance: Balance) -> JSON {
        [
            "id": .string(id.description), "name": .string(name), "credential_cap": JSON(Int64(cap.value)),
            "default_group": .string(defaultGroup), "groups": .array(groups.map(JSON.string)),
            "suspended": .bool(isSuspended), "revealable_keys": .bool(allowsRevealableKeys),
            "balance": JSON(balance.amount), "held": JSON(balance.usage.held),
            "available": JSON(balance.available),
            "created_at": .string(createdAt.rfc3339), "updated_at": .string(updatedAt.rfc3339),
            "closed_at": JSON(closedAt?.rfc3339),
        ]
    }
}
