import Accounts
import Applications
import Calls
import Catalog
import Credentials
import HTTP
import JSON
import Line
import Metering
import NIOCore
import Policy
import Values
import Wire

/// What a program may ask about itself, with its key: which models there are, and how its credits stand.
struct Question: Sendable {
    private let route: GatewayRoute
    private let bearer: String
    private let client: IPAddress?
    private let origin: WebOrigin
    private let gateway: Gateway

    init(_ head: RequestHead, _ route: GatewayRoute, client: IPAddress?, of gateway: Gateway) throws {
        bearer = try head.fields.bearer()
        self.route = route
        self.client = client
        origin = head.fields.origin
        self.gateway = gateway
    }

    /// - Returns: also whose connection it is that asked.
    func answer() async throws -> (JSON, of: [ShareOwner]) {
        let key: OpenedKey
        do {
            key = try await gateway.calls.open(bearer, at: gateway.clock.now())
            // A suspended account may still see how it stands.
            _ = try key.admit(
                to: try route.application, from: client, on: origin, evenSuspended: route.operation == .usage)
        } catch {
            throw gateway.explained(error, bearer)
        }
        gateway.calls.noteUse(of: key)
        let value = route.operation == .models ? models(key) : try await usage(key)
        return (value, of: [.account(key.account.id), .key(key.credential)])
    }

    /// `GET /v1/models`: what the app may use, and what a call with this key costs now.
    private func models(_ key: OpenedKey) -> JSON {
        let created = key.application.createdAt.seconds
        return [
            "object": "list",
            "data": .array(
                key.models.map { model -> JSON in
                    [
                        "id": .string(model.name), "object": "model", "created": JSON(created),
                        "owned_by": "latchkey", "cost": JSON(model.quote.cost),
                    ]
                }),
        ]
    }

    /// `GET /v1/usage`: what the key has used, what is left of it, and what the next call costs.
    private func usage(_ key: OpenedKey) async throws -> JSON {
        let month = Month(of: key.time)
        let credential: Credential
        do {
            credential = try await gateway.credentials.find(key.credential, of: key.account.id)
        } catch CredentialsError.notFound {
            // Deleted since it was looked at.
            throw Denial.invalidKey
        }
        let credits = try await gateway.metering.credits(of: credential.id, in: key.account.id, month)
        let meter = credits.meter
        var costs = JSONObject()
        for model in key.models { costs[model.name.string] = JSON(model.quote.cost) }
        return [
            "object": "usage", "credential_id": .string(credential.id.description),
            "application_id": .string(key.application.id.description), "period": .string(month.text),
            "used_amount": JSON(meter.usage.posted), "limited_amount": JSON(credential.terms.creditLimit),
            "monthly_used": JSON(meter.month.posted), "monthly_limit": JSON(credential.terms.monthlyLimit),
            "remaining": JSON(credits.bounds(of: credential.terms).remaining),
            "status": .string(credential.status(meter, at: key.time).rawValue), "costs": .object(costs),
        ]
    }
}

/// A ``Question`` on its line: it is answered in a task, which may read from disk.
final class QuestionExchange: LineExchange {
    private let reply: Reply
    private var task: Task<Void, Never>?
    private var isOver = false

    init(_ question: Question, _ reply: Reply) {
        self.reply = reply
        let loop = reply.line.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        task = Task {
            let result: Result<(JSON, of: [ShareOwner]), any Error>
            do { result = .success(try await question.answer()) } catch { result = .failure(error) }
            loop.execute { bound.value.answer(result) }
        }
    }

    private func answer(_ result: Result<(JSON, of: [ShareOwner]), any Error>) {
        guard !isOver else { return }
        isOver = true
        do {
            let (value, owners) = try result.get()
            guard reply.line.connect(for: owners) else { throw Denial.overloaded }
            reply.send(value)
        } catch {
            reply.refuse(error)
        }
    }

    func received(_ bytes: ByteBuffer) {}
    func receivedAll() {}

    func callerLeft() {
        isOver = true
        task?.cancel()
    }
}
