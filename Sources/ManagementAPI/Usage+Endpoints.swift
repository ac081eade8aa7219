import Catalog
import Hummingbird
import JSON
import Management
import Metering
import Values
import Web

extension ManagementAPI {
    func declareUsage(_ routes: inout Routes) {
        on(&routes, .get, "/usage", for: .getUsage, takesQuery: true) { call in
            var query = try call.query()
            var question = UsageQuestion(account: try query.identifier("account_id"))
            (question.from, question.until) = (try query.day("from"), try query.day("to"))
            question.by = try query.words("by")
            question.credential = try query.identifier("credential_id")
            question.application = try query.identifier("application_id")
            question.model = try query.text("model", as: ModelName.self)?.text
            try query.noOthers()
            return .json(try await management.getUsage(call.caller, question).json)
        }

        on(&routes, .get, "/refused-calls", for: .listRefusedCalls, takesQuery: true) { call in
            var query = try call.query()
            var question = RefusedCallsQuestion(account: try query.identifier("account_id"))
            question.last = try query.number("days", in: RefusedCallsQuestion.spans)
            (question.from, question.until) = (try query.day("from"), try query.day("to"))
            question.by = try query.words("by")
            question.credential = try query.identifier("credential_id")
            try query.noOthers()
            return .json(try await management.listRefusedCalls(call.caller, question).json)
        }
    }
}

extension RefusedCallsReport {
    fileprivate var json: JSON {
        let items = lines.map { group, calls -> JSON in
            var json = JSONObject()
            json["day"] = group.day.map { .string($0.text) }
            json["credential_id"] = group.credential.map { .string($0.description) }
            json["code"] = group.code.map { .string($0) }
            json["calls"] = JSON(calls)
            return .object(json)
        }
        return [
            "from": .string(days.lowerBound.text), "to": .string(days.upperBound.text), "calls": JSON(calls),
            "items": .array(items),
        ]
    }
}

extension UsageReport {
    fileprivate var json: JSON {
        [
            "from": .string(days.lowerBound.text), "to": .string(days.upperBound.text), "calls": JSON(calls),
            "amount": JSON(amount), "items": .array(lines.map { .object($0.json) }),
        ]
    }
}

extension UsageLine {
    /// Only what was asked to be told apart.
    fileprivate var json: JSONObject {
        var json = JSONObject()
        json["day"] = day.map { .string($0.text) }
        json["credential_id"] = credential.map { .string($0.description) }
        json["application_id"] = application.map { .string($0.description) }
        json["model"] = model.map { .string($0) }
        json["calls"] = JSON(calls)
        json["amount"] = JSON(amount)
        return json
    }
}
