import Accounts
import HTTP
import Hummingbird
import JSON
import Management
import Metering
import Policy
import Values
import Web

extension ManagementAPI {
    func declareAccounts(_ routes: inout Routes) {
        on(&routes, .get, "/accounts", for: .listAccounts, takesQuery: true) { call in
            try await management.listAccounts(call.caller, try call.page()).json(\.json)
        }

        on(&routes, .post, "/accounts", for: .createAccount) { call in
            var fields = try await call.fields()
            let draft = AccountDraft(
                name: try fields.required("name"), cap: try Self.cap(&fields) ?? .standard,
                defaultGroup: try fields.settable("default_group"),
                groups: try fields.texts("groups", atMost: AccountDraft.groupLimit) ?? [])
            try fields.noOthers(setByServer: Self.accountServerFields.union(["suspended"]))
            return .json(try await management.createAccount(call.caller, draft).json, status: .created)
        }

        on(&routes, .get, "/accounts/{account_id}", for: .getAccount) { call in
            .json(try await management.getAccount(call.caller, call.identifier("account_id")).json)
        }

        on(&routes, .patch, "/accounts/{account_id}", for: .updateAccount) { call in
            let id = try call.identifier("account_id")
            var fields = try await call.fields()
            var edit = AccountEdit()
            edit.name = try fields.settable("name")
            edit.cap = try Self.cap(&fields)
            edit.defaultGroup = try fields.settable("default_group")
            edit.groups = try fields.texts("groups", atMost: AccountDraft.groupLimit)
            edit.isSuspended = try fields.flag("suspended")
            try fields.noOthers(setByServer: Self.accountServerFields)
            return .json(try await management.updateAccount(call.caller, id, edit).json)
        }

        on(&routes, .delete, "/accounts/{account_id}", for: .closeAccount, takesQuery: true) { call in
            let id = try call.identifier("account_id")
            var query = try call.query()
            let isConfirmed = try query.flag("confirmed")
            try query.noOthers()
            try await management.closeAccount(call.caller, id, isConfirmed: isConfirmed)
            return Response(status: .noContent)
        }

        on(&routes, .patch, "/accounts/{account_id}/key-policy", for: .updateKeyPolicy) { call in
            let id = try call.identifier("account_id")
            var fields = try await call.fields()
            var edit = KeyPolicyEdit()
            edit.allowsRevealableKeys = try fields.flag("revealable")
            edit.keyRotationAge = try fields.integer("key_rotation_age_days", in: KeyRotationAge.range)
                .flatMap { KeyRotationAge($0) }
            try fields.noOthers()
            return .json(try await management.updateKeyPolicy(call.caller, id, edit).json)
        }
    }

    private static let accountServerFields: Set<String> = [
        "id", "balance", "held", "available", "revealable_keys", "key_rotation_age_days", "created_at", "updated_at",
        "closed_at",
    ]

    private static func cap(_ fields: inout FieldReader) throws -> CredentialCap? {
        try fields.integer("credential_cap", in: CredentialCap.range).flatMap { CredentialCap($0) }
    }
}

extension AccountDetails {
    fileprivate var json: JSON {
        [
            "id": .string(account.id.description), "name": .string(account.name),
            "credential_cap": JSON(Int64(account.cap.value)), "default_group": .string(account.defaultGroup),
            "groups": .array(account.groups.map(JSON.string)), "suspended": .bool(account.isSuspended),
            "revealable_keys": .bool(account.allowsRevealableKeys),
            "key_rotation_age_days": JSON(Int64(account.keyRotationAge.days)), "balance": JSON(balance.amount),
            "held": JSON(balance.usage.held), "available": JSON(balance.available),
            "created_at": .string(account.createdAt.rfc3339), "updated_at": .string(account.updatedAt.rfc3339),
            "closed_at": JSON(account.closedAt?.rfc3339),
        ]
    }
}
