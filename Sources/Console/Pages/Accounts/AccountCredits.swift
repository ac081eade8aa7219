import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Metering
import Policy
import Values
import Web

/// Credits for an account, or a correction: first how many and why, then what that comes to, before it is done.
struct AccountCredits: View {
    let title: String
    let lead: String
    let action: String
    let backPath: String
    let amount: Field
    let reason: Field
    /// What it comes to; empty in the first step.
    let facts: [KeyPage.Fact]
    let isChecked: Bool
    let button: String
    let failure: String?
}

/// What can be done to a balance.
private enum Booking: String, CaseIterable {
    case grant, adjustment

    /// In micro-credits.
    var range: ClosedRange<Int64> { self == .grant ? Management.grants : Management.adjustments }

    var operation: Operation { self == .grant ? .createGrant : .createAdjustment }

    /// What the form says; what can't be so is noted in it.
    func read(_ form: inout Form, _ strings: Strings) -> (amount: Credits, reason: OptionalName)? {
        let reason: OptionalName?
        switch self {
        case .grant: reason = form.text("reason").isEmpty ? .empty : form.optional("reason")
        case .adjustment:
            let given: DisplayName? = form.required("reason")
            reason = given.flatMap { OptionalName($0.text) }
        }
        let amount = Self.credits(form.text("amount"))
        if form.text("amount").trimmed.isEmpty {
            form.note("amount", strings("invalid.required"))
        } else if amount.map({ range.contains($0.micro) }) != true {
            form.note("amount", strings.rule(Credits.rule(range)))
        }
        return amount.flatMap { amount in reason.flatMap { form.isGood ? (amount, $0) : nil } }
    }

    /// Amounts are shown with commas and with a sign, so they may be typed so.
    private static func credits(_ text: Text) -> Credits? {
        guard text.utf8.count <= 64 else { return nil }
        let minus = "\u{2212}"
        var digits = text.trimmed.utf8.filter { $0 != UInt8(ascii: ",") }[...]
        if digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let isTypeset = digits.starts(with: minus.utf8)
        if isTypeset { digits = digits.dropFirst(minus.utf8.count) }
        return Credits(decimal: (isTypeset ? "-" : "") + String(decoding: digits, as: UTF8.self))
    }

    func book(
        _ management: Management, _ caller: Caller, _ account: Identifier, _ amount: Credits, _ reason: OptionalName
    ) async throws -> LedgerEntry {
        switch self {
        case .grant: return try await management.createGrant(caller, to: account, amount, reason: reason)
        case .adjustment:
            guard let reason = DisplayName(reason.text) else { throw Problem.notFound }
            return try await management.createAdjustment(caller, of: account, by: amount, reason: reason)
        }
    }
}

extension Console {
    func declareAccountCredits(_ routes: inout Routes) {
        for booking in Booking.allCases {
            let path = "/accounts/{account_id}/\(booking.rawValue)"
            page(&routes, path, for: booking.operation) { visit in
                try await visit.creditsForm(Form(visit.strings), booking, of: try await visit.namedAccount())
            }

            form(&routes, path, for: booking.operation) { visit, form in
                var form = form
                let details = try await visit.namedAccount()
                if form.has("again") { return try await visit.creditsForm(form, booking, of: details) }
                guard let (amount, reason) = booking.read(&form, visit.strings) else {
                    return try await visit.creditsForm(form, booking, of: details, status: .badRequest)
                }
                guard form.has("checked") else {
                    return try await visit.creditsCheck(form, booking, amount, of: details)
                }
                do {
                    let id = details.account.id
                    let entry = try await booking.book(management, visit.caller, id, amount, reason)
                    return visit.see("\(Self.accountsPath)/\(id)#credits", Flash(.saved, entry.id))
                } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                    form.note(refusal)
                    return try await visit.creditsForm(form, booking, of: details, status: refusal.problem.status)
                }
            }
        }
    }
}

extension Visit {
    fileprivate func creditsForm(
        _ form: Form, _ booking: Booking, of details: AccountDetails, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        try await page(
            "account-credits",
            view(form, booking, of: details, facts: [], button: strings("credits.check")), in: .accounts,
            status: status)
    }

    /// The balance before and after, while nothing is done yet.
    fileprivate func creditsCheck(
        _ form: Form, _ booking: Booking, _ amount: Credits, of details: AccountDetails
    ) async throws -> Response {
        var form = form
        let balance = details.balance
        guard let after = balance.amount.adding(amount) else {
            form.note("amount", strings.sentence("balance_too_large", retryAfter: nil))
            return try await creditsForm(form, booking, of: details, status: .conflict)
        }
        let held = balance.usage.held
        let facts = [
            KeyPage.Fact(
                name: strings("credits.before"), value: formats.credits(balance.amount),
                more: held > .zero ? strings("accounts.held", ["credits": formats.credits(held)]) : nil),
            KeyPage.Fact(name: strings("ledger.\(booking.rawValue)"), value: formats.signed(amount), more: nil),
            KeyPage.Fact(
                name: strings("credits.after"), value: formats.credits(after),
                more: after < .zero ? strings("credits.too_few") : nil),
        ]
        let isEmpty = form.text("reason").isEmpty
        let reason = KeyPage.Fact(
            name: strings("field.reason"),
            value: isEmpty ? strings("credits.no_reason") : form.text("reason").string, more: nil)
        let button = strings(
            amount < .zero ? "credits.take" : "credits.give",
            ["credits": formats.credits(amount < .zero ? Credits.zero.subtracting(amount) ?? amount : amount)])
        return try await page(
            "account-credits", view(form, booking, of: details, facts: facts + [reason], button: button),
            in: .accounts)
    }

    private func view(
        _ form: Form, _ booking: Booking, of details: AccountDetails, facts: [KeyPage.Fact], button: String
    ) -> AccountCredits {
        let account = details.account
        return AccountCredits(
            title: strings("credits.\(booking.rawValue)_title", ["name": account.name]),
            lead: facts.isEmpty
                ? strings("credits.\(booking.rawValue)_lead", ["balance": formats.credits(details.balance.amount)])
                : strings("credits.check_lead"),
            action: request.uri.path, backPath: "\(Console.accountsPath)/\(account.id)",
            amount: form.field(
                "amount", label: strings("field.amount"), help: strings("credits.\(booking.rawValue)_help"),
                hasFocus: true),
            reason: form.field(
                "reason", label: strings("field.reason"), help: strings("credits.reason_help"),
                isOptional: booking == .grant),
            facts: facts, isChecked: !facts.isEmpty, button: button, failure: form.failure)
    }
}
