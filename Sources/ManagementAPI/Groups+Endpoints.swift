import Catalog
import HTTP
import Hummingbird
import JSON
import Management
import Metering
import Values
import Web

extension ManagementAPI {
    func declareGroups(_ routes: inout Routes) {
        on(&routes, .get, "/groups", for: .listGroups, takesQuery: true) { call in
            var query = try call.query()
            let (limit, after) = try query.namedPage(GroupName.self)
            try query.noOthers()
            let (groups, next) = try await management.listGroups(call.caller, limit: limit, after: after)
            return .json(["items": .array(groups.map(\.json)), "next_cursor": JSON(next)])
        }

        on(&routes, .post, "/groups", for: .createGroup) { call in
            var fields = try await call.fields()
            let name: GroupName = try fields.required("name")
            let multiplier = try fields.multiplier("multiplier")
            try fields.noOthers(setByServer: ["retired", "created_at", "updated_at"])
            return .json(try await management.createGroup(call.caller, name, multiplier).json, status: .created)
        }

        on(&routes, .get, "/groups/{group}", for: .getGroup) { call in
            .json(try await management.getGroup(call.caller, call.groupName()).json)
        }

        on(&routes, .patch, "/groups/{group}", for: .updateGroup) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let isRetired = try fields.flag("retired")
            try fields.noOthers(setByServer: ["name", "multiplier", "created_at", "updated_at"])
            guard let isRetired else { throw Problem.invalid("retired", "is required") }
            return .json(try await management.updateGroup(call.caller, name, isRetired: isRetired).json)
        }

        on(&routes, .get, "/groups/{group}/multipliers", for: .listMultipliers, takesQuery: true) { call in
            let page = try call.page()
            return try await management.listMultipliers(call.caller, of: call.groupName(), page).json(\.json)
        }

        on(&routes, .post, "/groups/{group}/multipliers", for: .createMultiplier) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let multiplier = try fields.multiplier("multiplier")
            let effectiveAt = try fields.time("effective_at")
            try fields.noOthers(setByServer: ["id", "group", "created_at"])
            let version = try await management.createMultiplier(
                call.caller, multiplier, of: name, effectiveAt: effectiveAt)
            return .json(version.json, status: .created)
        }

        on(&routes, .delete, "/groups/{group}/multipliers/{multiplier_id}", for: .deleteMultiplier) { call in
            try await management.deleteMultiplier(
                call.caller, call.identifier("multiplier_id"), of: call.groupName())
            return Response(status: .noContent)
        }

        on(&routes, .post, "/groups/{group}/preview", for: .previewMultiplier) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let multiplier = try fields.multiplier("multiplier")
            guard let days = try fields.integer("days", in: Management.previewDays) else {
                throw Problem.invalid("days", "is required")
            }
            try fields.noOthers()
            return .json(
                try await management.previewMultiplier(call.caller, multiplier, of: name, days: days).json)
        }
    }
}

extension ManagementCall {
    /// A group's name in the path. What is no name names nothing.
    fileprivate func groupName() throws(Problem) -> GroupName {
        guard let name = context.parameters.get("group").flatMap({ GroupName($0) }) else { throw Problem.notFound }
        return name
    }
}

extension GroupDetails {
    fileprivate var json: JSON {
        [
            "name": .string(group.name), "multiplier": multiplier.map { .number(JSONNumber($0)) } ?? nil,
            "retired": .bool(group.isRetired), "created_at": .string(group.createdAt.rfc3339),
            "updated_at": .string(group.updatedAt.rfc3339),
        ]
    }
}

extension MultiplierVersion {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "group": .string(group), "multiplier": .number(JSONNumber(multiplier)),
            "effective_at": .string(effectiveAt.rfc3339), "created_at": .string(createdAt.rfc3339),
        ]
    }
}

extension MultiplierPreview {
    fileprivate var json: JSON {
        [
            "group": .string(group.name), "multiplier": .number(JSONNumber(draft)),
            "days": JSON(days.upperBound.number - days.lowerBound.number + 1), "from": .string(days.lowerBound.text),
            "until": .string(days.upperBound.text), "calls": JSON(preview.total.calls),
            "charged": JSON(preview.total.charged), "would_be": JSON(preview.total.wouldBe),
            "difference": JSON(difference),
            "accounts": .array(
                preview.accounts.map { account, sum -> JSON in
                    [
                        "account_id": .string(account.description), "calls": JSON(sum.calls),
                        "charged": JSON(sum.charged), "would_be": JSON(sum.wouldBe),
                    ]
                }),
        ]
    }
}
