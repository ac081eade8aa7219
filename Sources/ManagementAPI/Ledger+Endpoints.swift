import Catalog
import Database
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Management
import Metering
import NIOCore
import Values
import Web

extension ManagementAPI {
    func declareLedger(_ routes: inout Routes) {
        on(&routes, .get, "/ledger", for: .listLedger, takesQuery: true) { call in
            var query = try call.query()
            let question = try query.ledgerQuestion()
            if try query.text("format", as: LedgerFormat.self) == .csv {
                try query.noOthers()
                return try await csv(call.caller, question)
            }
            let page = try query.filteredPage()
            try query.noOthers()
            let (entries, totals) = try await management.listLedger(call.caller, question, page.page)
            return .json([
                "items": .array(entries.items.map { .object($0.json) }), "next_cursor": page.cursor(entries.next),
                "totals": totals.json,
            ])
        }
    }

    /// All entries that match, written as they are read. The first page is read before the answer begins, so that a
    /// refusal is one.
    private func csv(_ caller: Caller, _ question: LedgerQuestion) async throws -> Response {
        let first = try await management.readLedger(caller, question, Page(limit: Page.limits.upperBound))
        let body = ResponseBody { [management] writer in
            try await writer.write(ByteBuffer(string: CSV.line(LedgerEntry.columns.map { .string($0) })))
            var listing = first
            while true {
                let lines = listing.items.map { entry in CSV.line(entry.json.members.map(\.value)) }
                try await writer.write(ByteBuffer(string: lines.joined()))
                guard let after = listing.next else { break }
                listing = try await management.readLedger(
                    caller, question, Page(limit: Page.limits.upperBound, after: after))
            }
            try await writer.finish(nil)
        }
        var headers: HTTPFields = [.contentType: "text/csv; charset=utf-8; header=present"]
        headers[.contentDisposition] = "attachment; filename=\"ledger.csv\""
        return Response(status: .ok, headers: headers, body: body)
    }
}

/// How the ledger may be asked for.
private enum LedgerFormat: String, FieldText {
    case json, csv

    static let rule = "must be json or csv"

    init?(_ text: String) { self.init(rawValue: text) }
}

extension QueryReader {
    fileprivate mutating func ledgerQuestion() throws(Problem) -> LedgerQuestion {
        var question = LedgerQuestion(account: try identifier("account_id"))
        question.kind = try text("kind", as: LedgerEntry.Kind.self)
        question.credential = try identifier("credential_id")
        question.application = try identifier("application_id")
        question.model = try text("model", as: ModelName.self)?.text
        (question.from, question.until) = (try time("from"), try time("to"))
        return question
    }
}

extension LedgerTotals {
    fileprivate var json: JSON {
        [
            "entries": entries.map { JSON($0) } ?? .null, "granted": JSON(granted), "adjusted": JSON(adjusted),
            "charged": JSON(charged),
            "change": JSON(change),
        ]
    }
}

extension LedgerEntry {
    fileprivate static let columns = [
        "id", "account_id", "kind", "amount", "credential_id", "application_id", "model", "price_id",
        "price", "price_effective_at", "group", "multiplier_id", "multiplier", "multiplier_effective_at", "reason",
        "actor_id", "created_at",
    ]

    /// In the order of ``columns``.
    var json: JSONObject {
        [
            "id": .string(id.description), "account_id": .string(account.description), "kind": .string(kind.rawValue),
            "amount": JSON(amount), "credential_id": JSON(call?.subject.credential),
            "application_id": JSON(call?.subject.application), "model": JSON(call?.subject.model),
            "price_id": JSON(call?.subject.priceVersion),
            "price": JSON(call?.price?.price.credits),
            "price_effective_at": JSON(call?.price?.effectiveAt.rfc3339),
            "group": JSON(call?.multiplier?.group), "multiplier_id": JSON(call?.subject.multiplierVersion),
            "multiplier": call?.multiplier.map { .number(JSONNumber($0.multiplier)) } ?? nil,
            "multiplier_effective_at": JSON(call?.multiplier?.effectiveAt.rfc3339), "reason": JSON(reason),
            "actor_id": JSON(actor), "created_at": .string(createdAt.rfc3339),
        ]
    }
}
