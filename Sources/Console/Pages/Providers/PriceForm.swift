import Catalog
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// A price of a model, from now or from a time on.
struct PriceForm: View {
    let title: String
    let action: String
    let backPath: String
    let price: Field
    let isLater: Bool
    let effectiveAt: Field
    /// That it is in UTC, and how far the person's own time is from it.
    let zone: String
    let failure: String?
}

extension Console {
    func declarePriceForms(_ routes: inout Routes) {
        page(&routes, "/models/{model_id}/prices/new", for: .createPrice) { visit in
            try await visit.priceForm(Form(visit.strings), of: try await visit.model())
        }

        form(&routes, "/models/{model_id}/prices/new", for: .createPrice) { visit, form in
            var form = form
            let model = try await visit.model()
            let price = form.price("price")
            let start = form.start("effective_at")
            guard form.isGood, let price, let start else {
                return try await visit.priceForm(form, of: model, status: .badRequest)
            }
            do {
                let made = try await management.createPrice(
                    visit.caller, price, of: model.id, effectiveAt: start.time)
                return visit.see("/console/models/\(model.id)#price-\(made.id)", Flash(.created, made.id))
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                if refusal.code == .notFound { throw refusal }
                form.note(refusal)
                return try await visit.priceForm(form, of: model, status: refusal.problem.status)
            }
        }

        page(&routes, "/models/{model_id}/prices/{price_id}/delete", for: .deletePrice) { visit in
            try await visit.withdrawal(Form(visit.strings))
        }

        form(&routes, "/models/{model_id}/prices/{price_id}/delete", for: .deletePrice) { visit, form in
            var form = form
            let model = try visit.identifier("model_id")
            do {
                try await management.deletePrice(visit.caller, try visit.identifier("price_id"), of: model)
                return visit.see("/console/models/\(model)", Flash(.deleted))
            } catch let refusal as Refusal where refusal.code == .versionInEffect {
                form.note(refusal)
                return try await visit.withdrawal(form, status: refusal.problem.status)
            }
        }
    }
}

extension Form {
    /// From when on something is to hold.
    struct Start {
        /// `nil` for now.
        let time: Timestamp?
    }

    /// The field `start` says whether it is `now` or at the time in the field of this name, in UTC.
    /// - Returns: `nil` for what can't be read, which is noted.
    mutating func start(_ name: String) -> Start? {
        if text("start") == "now" { return Start(time: nil) }
        guard !text(name).isEmpty else {
            note(name, strings("invalid.required"))
            return nil
        }
        guard let time = KeyExpiry.time(text(name)) else {
            note(name, strings("invalid.date"))
            return nil
        }
        return Start(time: time)
    }
}

extension Visit {
    fileprivate func priceForm(
        _ form: Form, of model: Model, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let now = model.price(at: formats.now)?.price.credits
        var start = form.field("effective_at", label: strings("price.time"), type: "datetime-local")
        // Now needs no time.
        start.isRequired = false
        let view = PriceForm(
            title: strings("price.new_title", ["name": model.name]), action: request.uri.path,
            backPath: "/console/models/\(model.id)",
            price: form.field(
                "price", value: now?.decimal ?? "", label: strings("model.price"), help: strings("model.price_help"),
                hasFocus: true),
            isLater: form.text("start") == "date",
            effectiveAt: start,
            zone: formats.offset(at: formats.now).map { strings("key.date_zone", ["offset": $0]) }
                ?? strings("key.date_utc"),
            failure: form.failure)
        return try await page("price-form", view, in: .providers, status: status)
    }

    /// Whether it still can be taken back, the operation says.
    fileprivate func withdrawal(_ form: Form, status: HTTPResponse.Status = .ok) async throws -> Response {
        let model = try await model()
        let id = try identifier("price_id")
        guard let version = model.prices.first(where: { $0.id == id }) else { throw Problem.notFound }
        let view = Confirmation(
            title: strings(
                "price.delete_title",
                ["credits": formats.credits(version.price.credits), "time": formats.exact(version.effectiveAt)]),
            lead: strings("price.delete_lead"), action: request.uri.path, backPath: "/console/models/\(model.id)",
            keep: strings("action.keep"), button: strings("price.delete"), isDanger: true, fields: [],
            failure: form.failure)
        return try await page("confirmation", view, in: .providers, status: status)
    }
}
