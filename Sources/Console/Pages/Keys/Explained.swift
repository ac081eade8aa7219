import Applications
import Calls
import Credentials
import Hummingbird
import Management
import Policy
import Values

import struct Applications.Application

/// Whether a call would be allowed, and every step on the way.
struct Explained: View {
    struct Step: View {
        let name: String
        let detail: String
        let isPassed: Bool
        let isDenied: Bool
    }

    struct ModelChoice: View {
        let name: String
        let isChosen: Bool
    }

    let address: Field
    let origin: Field
    let models: [ModelChoice]
    let steps: [Step]
    /// Nothing was asked yet when it is empty.
    let verdict: String?
    let code: String?
    let isAllowed: Bool
    let path: String
    let editPath: String
    let mayWrite: Bool
}

extension Visit {
    func explained(_ key: KeyDetails, _ application: Application) async throws -> Explained {
        var form = Form(strings)
        let address = query("address") ?? ""
        let origin = query("origin") ?? ""
        let isAsked = query("model") != nil
        let field: AddressField? = address.isEmpty ? nil : AddressField(address)
        if !address.isEmpty, field == nil { form.note("address", strings.rule(AddressField.rule)) }
        let site: OriginField? = origin.isEmpty ? nil : OriginField(origin)
        if !origin.isEmpty, site == nil { form.note("origin", strings.rule(OriginField.rule)) }
        let model = query("model").flatMap { GivenText($0) }
        var explanation: Explanation?
        if isAsked, form.isGood {
            explanation = try await management.explainCredential(
                caller, key.credential.id,
                ImaginedCall(application: nil, model: model, address: field, origin: site, time: nil))
        }
        return Explained(
            address: form.field(
                "address", value: address.string, label: strings("explain.address"),
                help: strings("explain.address_help"), isOptional: true),
            origin: form.field(
                "origin", value: origin.string, label: strings("explain.origin"),
                help: strings("explain.origin_help"), isOptional: true),
            models: application.chat.allowedModels.map {
                Explained.ModelChoice(
                    name: $0, isChosen: Text($0) == (query("model") ?? Text(application.chat.model)))
            },
            steps: explanation?.steps.map { step($0, key, application, field, explanation) } ?? [],
            verdict: explanation.map { verdict($0) }, code: explanation?.verdict?.rawValue,
            isAllowed: explanation.map { $0.verdict == nil } ?? false, path: request.uri.path,
            editPath: "/console/keys/\(key.credential.id)/edit", mayWrite: may(.updateCredential))
    }

    private func verdict(_ explanation: Explanation) -> String {
        if let denial = explanation.verdict { return strings.denial(denial.rawValue) }
        guard let cost = explanation.cost else { return strings("explain.allowed") }
        return strings(
            "explain.allowed_cost",
            ["cost": formats.credits(cost), "left": formats.credits(explanation.remaining ?? .zero)])
    }

    private func step(
        _ step: Explanation.Step, _ key: KeyDetails, _ application: Application, _ address: AddressField?,
        _ explanation: Explanation?
    ) -> Explained.Step {
        let terms = key.credential.terms
        let detail: String =
            switch step.name {
            case Policy.Step.application.rawValue: application.name
            case Policy.Step.expiry.rawValue: terms.expiresAt.map(formats.exact) ?? strings("key.permanent")
            case Policy.Step.address.rawValue:
                [address.map { "\($0.address)" }, terms.addresses.map { $0.map(\.text).joined(separator: ", ") }]
                    .compactMap(\.self).joined(separator: " ∕ ")
            case Policy.Step.origin.rawValue: terms.host?.text ?? strings("key.no_host")
            case Policy.Step.model.rawValue: explanation?.model ?? ""
            case Policy.CreditStep.balance.rawValue: explanation?.cost.map(formats.credits) ?? ""
            default: ""
            }
        var isDenied = false
        if case .denied = step.outcome { isDenied = true }
        return Explained.Step(
            name: strings((isDenied ? "explain.not." : "explain.step.") + step.name), detail: detail,
            isPassed: step.outcome == .passed, isDenied: isDenied)
    }
}
