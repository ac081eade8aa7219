import Accounts
import Admission
import Applications
import Catalog
import Credentials
import Hummingbird
import JSON
import Metering
import Policy
import Values
import Web

/// What a program may ask about itself, with its key.
extension Gateway {
    /// `GET /v1/models`: what the app may use, and what a call with this key costs now.
    func models(_ request: Request, _ context: WebContext) async throws -> Response {
        let (opened, facts) = try await admit(try Self.bearer(request.headers), request, context)
        credentials.noteUse(of: opened.key, at: facts.time)
        let created = opened.application.createdAt.seconds
        let costs = try await costs(opened, at: facts.time)
        return .json([
            "object": "list",
            "data": .array(
                costs.map { name, cost -> JSON in
                    [
                        "id": .string(name), "object": "model", "created": JSON(created), "owned_by": "latchkey",
                        "cost": JSON(cost),
                    ]
                }),
        ])
    }

    /// `GET /v1/usage`: what the key has used, what is left of it, and what the next call costs.
    func usage(_ request: Request, _ context: WebContext) async throws -> Response {
        let (opened, facts) = try await admit(
            try Self.bearer(request.headers), request, context, evenSuspended: true)
        credentials.noteUse(of: opened.key, at: facts.time)
        let now = facts.time
        let month = Month(of: now)
        let credential: Credential
        do {
            credential = try await credentials.find(opened.key.credential, of: opened.account.id)
        } catch CredentialsError.notFound {
            // Deleted since it was looked at.
            throw Denial.invalidKey
        }
        let credits = try await metering.credits(of: credential.id, in: opened.account.id, month)
        let meter = credits.meter
        var costs = JSONObject()
        for (name, cost) in try await self.costs(opened, at: now) { costs[name] = JSON(cost) }
        return .json([
            "object": "usage", "credential_id": .string(credential.id.description),
            "application_id": .string(opened.application.id.description), "period": .string(month.text),
            "used_amount": JSON(meter.usage.posted), "limited_amount": JSON(credential.terms.creditLimit),
            "monthly_used": JSON(meter.month.posted), "monthly_limit": JSON(credential.terms.monthlyLimit),
            "remaining": JSON(credits.bounds(of: credential.terms).remaining),
            "status": .string(credential.status(meter, at: now).rawValue), "costs": .object(costs),
        ])
    }

    /// What a call of each model costs at a time that the key may use, in the app's order.
    private func costs(_ opened: Admission.Opened, at time: Timestamp) async throws -> [(String, Credits)] {
        var costs: [(String, Credits)] = []
        for name in opened.usableModels {
            guard let route = try await catalog.route(name) else { continue }
            costs.append((name, try await catalog.quote(route, group: opened.group, at: time).cost))
        }
        return costs
    }
}
