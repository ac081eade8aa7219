import Accounts
import Applications
import Catalog
import Credentials
import Metering
package import Policy
package import Values

/// What would come of a call, step by step, without making it.
package struct Explanation: Sendable {
    package enum Outcome: Sendable, Equatable {
        case passed
        case denied(Denial)
        /// There is nothing to check: no model, and so no cost.
        case skipped
    }

    package struct Step: Sendable {
        package let name: String
        package let outcome: Outcome
    }

    /// In the order in which a call meets them; each was run, whatever came of those before.
    package let steps: [Step]
    package let model: String?
    package let cost: Credits?
    /// What would be left with the call held; `nil` when it would not be.
    package let remaining: Credits?

    /// The first denial.
    package var verdict: Denial? {
        for step in steps { if case .denied(let denial) = step.outcome { return denial } }
        return nil
    }
}

extension Calls {
    /// Runs every check of a call that a key of this account might make. Holds and charges nothing.
    /// - Parameters:
    ///   - call: its time must not lie before now: what was used then is no longer known.
    ///   - model: as a caller would name it; `nil` for the app's own.
    package func explain(
        _ id: Identifier, of account: Identifier, _ call: CallFacts, model: Text?
    ) async throws -> Explanation {
        let stamp = generations.stamp(of: account)
        let credential = try await credentials.find(id, of: account)
        let key = OpenedKey(
            try await gather(id, credential.facts, nil, of: account, stamp, at: call.time), at: call.time)
        var call = call
        call.model = try await requested(model)
        var steps = key.explain(call)
        guard let name = Policy.model(of: call, app: key.application.rules),
            let price = try await price(name, key.group, stamp, at: call.time)
        else {
            steps += Policy.CreditStep.allCases.map { Explanation.Step(name: $0.rawValue, outcome: .skipped) }
            return Explanation(steps: steps, model: nil, cost: nil, remaining: nil)
        }
        let cost = price.quote.cost
        let bounds = try await metering.credits(of: id, in: account, Month(of: call.time)).bounds(of: key.terms)
        steps += Policy.CreditStep.allCases.map { step in
            let fits = Policy.fits(cost, step, bounds)
            return Explanation.Step(name: step.rawValue, outcome: fits ? .passed : .denied(step.denial))
        }
        return Explanation(steps: steps, model: name, cost: cost, remaining: bounds.remaining(after: cost))
    }
}

extension OpenedKey {
    /// Every check but those of credits, whatever came of those before.
    fileprivate func explain(_ call: CallFacts) -> [Explanation.Step] {
        Policy.explain(call, key: facts, account: account.facts, app: application.rules).map { step, denial in
            Explanation.Step(name: step.rawValue, outcome: denial.map { .denied($0) } ?? .passed)
        }
    }
}
