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
            let (groups, next) = try await management.listGroups(
                call.caller, limit: limit, after: after, isCounted: true)
            return .json(["items": .array(groups.map(\.json)), "next_cursor": JSON(next)])
        }

        on(&routes, .post, "/groups", for: .createGroup) { call in
            var fields = try await call.fields()
            let name: GroupName = try fields.required("name")
            let multiplier = try fields.multiplier("multiplier")
            try fields.noOthers(setByServer: Set(GroupDetails.answered).subtracting(["name", "multiplier"]))
            return .json(try await management.createGroup(call.caller, name, multiplier).json, status: .created)
        }

        on(&routes, .get, "/groups/{group}", for: .getGroup) { call in
            .json(try await management.getGroup(call.caller, call.groupName()).json)
        }

        on(&routes, .patch, "/groups/{group}", for: .updateGroup) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let isRetired = try fields.flag("retired")
            try fields.noOthers(setByServer: Set(GroupDetails.answered).subtracting(["retired"]))
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
            let basis: PreviewBasis? = try fields.settable("basis")
            try fields.noOthers(setByServer: ["id", "group", "created_at"])
            let version = try await management.createMultiplier(
                call.caller, multiplier, of: name, effectiveAt: effectiveAt, basis: basis)
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
            let days = try fields.integer("days", in: PreviewSpan.dayCounts)
            let month: MonthField? = try fields.settable("month")
            let effectiveAt = try fields.time("effective_at")
            try fields.noOthers()
            let span: PreviewSpan
            switch (days, month) {
            case (let days?, nil): span = .days(days)
            case (nil, let month?): span = .month(month.month)
            case (nil, nil): throw Problem.invalid("days", "is required, or month instead")
            case (_?, _?): throw Problem.invalid("month", "can't be there with days")
            }
            return .json(
                try await management.previewMultiplier(
                    call.caller, multiplier, of: name, over: span, effectiveAt: effectiveAt
                ).json)
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

/// A month in a field.
private struct MonthField: FieldText {
    static let rule = "must be a month, such as 2026-11"
    let month: Month

    init?(_ text: String) {
        guard let month = Month(text) else { return nil }
        self.month = month
    }
}

extension GroupDetails {
    /// Every field of a group's answer.
    fileprivate static let answered = [
        "name", "multiplier", "retired", "created_at", "updated_at", "effective_at", "scheduled", "used_by",
    ]

    fileprivate var json: JSON {
        var json = JSONObject()
        json["name"] = .string(group.name)
        json["multiplier"] = multiplier.map { .number(JSONNumber($0)) } ?? .null
        json["retired"] = .bool(group.isRetired)
        json["created_at"] = .string(group.createdAt.rfc3339)
        json["updated_at"] = .string(group.updatedAt.rfc3339)
        if isForOperator {
            json["effective_at"] = version.map { .string($0.effectiveAt.rfc3339) } ?? .null
            json["scheduled"] = scheduled?.json ?? .null
        }
        if let use { json["used_by"] = ["accounts": JSON(Int64(use.accounts)), "credentials": JSON(Int64(use.keys))] }
        return .object(json)
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
            "effective_at": effectiveAt.map { .string($0.rfc3339) } ?? .null,
            "multiplier_now": .number(JSONNumber(current)), "basis": .string(basis.text),
            "days": JSON(days.upperBound.number - days.lowerBound.number + 1), "from": .string(days.lowerBound.text),
            "until": .string(days.upperBound.text), "calls": JSON(preview.total.calls),
            "charged": JSON(preview.total.charged), "would_be": JSON(preview.total.wouldBe),
            "difference": JSON(difference),
            "accounts": .array(
                preview.accounts.map { account, sum -> JSON in
                    [
                        "account_id": .string(account.description), "name": JSON(names[account]),
                        "calls": JSON(sum.calls),
                        "charged": JSON(sum.charged), "would_be": JSON(sum.wouldBe),
                    ]
                }),
        ]
    }
}
