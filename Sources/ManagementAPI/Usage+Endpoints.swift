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
    func declareUsage(_ routes: inout Routes) {
        on(&routes, .get, "/usage", needs: .scope(.usageRead), takesQuery: true) { call in
            var query = try call.query()
            let today = Day(of: clock.now())
            let until = try query.day("to") ?? today
            let from = try query.day("from") ?? until.firstOfMonth
            let by = try query.words("by", as: UsageRequest.Dimension.self) ?? [.day]
            let credential = try query.identifier("credential_id")
            let application = try query.identifier("application_id")
            let model = try query.text("model", as: ModelName.self)
            try query.noOthers()
            guard from <= until, until.number - from.number < Self.longestReport else {
                throw Problem.invalid(
                    "from", "must be on or before to, with at most \(Self.longestReport) days from the one to the other"
                )
            }
            var request = UsageRequest(account: call.actor.account, days: from...until, by: by)
            request.credential = credential
            request.application = application
            request.model = model?.text
            return .json(try Self.json(try await metering.report(request), request))
        }
    }

    /// In days.
    private static let longestReport: Int64 = 366

    private static func json(_ lines: [UsageLine], _ request: UsageRequest) throws -> JSON {
        var calls: Int64 = 0
        var amount = Credits.zero
        for line in lines {
            guard let sum = amount.adding(line.amount) else { throw MeteringError.balanceTooLarge }
            (calls, amount) = (calls + line.calls, sum)
        }
        return [
            "from": .string(request.days.lowerBound.text), "to": .string(request.days.upperBound.text),
            "calls": JSON(calls), "amount": JSON(amount), "items": .array(lines.map { .object($0.json) }),
        ]
    }
}

extension UsageRequest.Dimension: FieldText {
    package static let rule =
        "must be one or more of " + allCases.map(\.rawValue).joined(separator: ", ")
        + ", with commas between them, each once"

    package init?(_ text: String) { self.init(rawValue: text) }
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
