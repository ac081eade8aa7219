import Accounts
import Catalog
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Metering
import Values
import Web

extension ManagementAPI {
    func declareGroups(_ routes: inout Routes) {
        on(&routes, .get, "/groups", needs: .scope(.catalogRead), takesQuery: true) { call in
            var query = try call.query()
            let (limit, after) = try query.namedPage(GroupName.self)
            try query.noOthers()
            // To a tenant, there are only the groups that the account may use.
            let usable = call.actor.user.isAdmin ? nil : try await accounts.account(call.actor.account).usableGroups
            let groups = try await catalog.groups(usable: usable, after: after?.text ?? "", limit: limit + 1)
            let now = clock.now()
            return .json([
                "items": .array(groups.prefix(limit).map { $0.json(at: now) }),
                "next_cursor": JSON(groups.count > limit ? groups[limit - 1].name : nil),
            ])
        }

        on(&routes, .post, "/groups", needs: .scope(.catalogWrite)) { call in
            var fields = try await call.fields()
            let name: GroupName = try fields.required("name")
            let multiplier = try fields.multiplier("multiplier")
            try fields.noOthers(setByServer: ["retired", "created_at", "updated_at"])
            let group = try await catalog.createGroup(name, multiplier, by: call.author)
            return .json(group.json(at: group.createdAt), status: .created)
        }

        on(&routes, .get, "/groups/{group}", needs: .adminScope(.catalogRead)) { call in
            .json(try await catalog.group(call.groupName()).json(at: clock.now()))
        }

        on(&routes, .patch, "/groups/{group}", needs: .scope(.catalogWrite)) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let isRetired = try fields.flag("retired")
            try fields.noOthers(setByServer: ["name", "multiplier", "created_at", "updated_at"])
            guard let isRetired else { throw Problem.invalid("retired", "is required") }
            return .json(try await catalog.retireGroup(name, isRetired, by: call.author).json(at: clock.now()))
        }

        on(&routes, .get, "/groups/{group}/multipliers", needs: .adminScope(.catalogRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await catalog.multipliers(of: call.groupName(), page).json(\.json)
        }

        on(&routes, .post, "/groups/{group}/multipliers", needs: .scope(.catalogWrite)) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let multiplier = try fields.multiplier("multiplier")
            let effectiveAt = try fields.time("effective_at")
            try fields.noOthers(setByServer: ["id", "group", "created_at"])
            let version = try await catalog.addMultiplier(
                multiplier, of: name, effectiveAt: effectiveAt, by: call.author)
            return .json(version.json, status: .created)
        }

        on(&routes, .delete, "/groups/{group}/multipliers/{multiplier_id}", needs: .scope(.catalogWrite)) { call in
            try await catalog.withdrawMultiplier(
                call.identifier("multiplier_id"), of: call.groupName(), by: call.author)
            return Response(status: .noContent)
        }

        on(&routes, .post, "/groups/{group}/preview", needs: .adminScope(.catalogRead), isPaced: false) { call in
            let name = try call.groupName()
            var fields = try await call.fields()
            let multiplier = try fields.multiplier("multiplier")
            guard let days = try fields.integer("days", in: 1...366) else {
                throw Problem.invalid("days", "is required")
            }
            try fields.noOthers()
            let group = try await catalog.group(name)
            let today = Day(of: clock.now())
            let range = Day(number: today.number - Int64(days) + 1)...today
            return .json(
                try await metering.preview(group: group.name, multiplier, days: range).json(group, multiplier, range))
        }
    }
}

extension ManagementCall {
    /// A group's name in the path. What is no name names nothing.
    fileprivate func groupName() throws -> String {
        guard let name = context.parameters.get("group").flatMap({ GroupName($0) }) else { throw Problem.notFound }
        return name.text
    }
}

extension PricingGroup {
    fileprivate func json(at now: Timestamp) -> JSON {
        [
            "name": .string(name),
            "multiplier": (multiplier(at: now)?.multiplier).map { .number(JSONNumber($0)) } ?? nil,
            "retired": .bool(isRetired), "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339),
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

extension PricingPreview {
    fileprivate func json(_ group: PricingGroup, _ draft: Multiplier, _ days: ClosedRange<Day>) throws -> JSON {
        guard let difference = total.wouldBe.subtracting(total.charged) else { throw MeteringError.balanceTooLarge }
        return [
            "group": .string(group.name), "multiplier": .number(JSONNumber(draft)),
            "days": JSON(days.upperBound.number - days.lowerBound.number + 1), "from": .string(days.lowerBound.text),
            "until": .string(days.upperBound.text), "calls": JSON(total.calls), "charged": JSON(total.charged),
            "would_be": JSON(total.wouldBe), "difference": JSON(difference),
            "accounts": .array(
                accounts.map { account, sum -> JSON in
                    [
                        "account_id": .string(account.description), "calls": JSON(sum.calls),
                        "charged": JSON(sum.charged), "would_be": JSON(sum.wouldBe),
                    ]
                }),
        ]
    }
}
