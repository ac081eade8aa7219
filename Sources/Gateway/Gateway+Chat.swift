import Accounts
import Admission
import Applications
import Catalog
import Credentials
import HTTP
import HTTPTypes
import Hummingbird
import Logging
import Metering
import NIOCore
import Policy
import Values
import Web

extension Gateway {
    private var dialect: OpenAIChat { OpenAIChat() }

    /// `POST /v1/chat/completions`.
    func chatCompletion(_ request: Request, _ context: WebContext) async throws -> Response {
        // The key is checked before the body is read: nobody makes the server take in a body without one.
        do {
            let bearer = try Self.bearer(request.headers)
            var (opened, facts) = try await admit(bearer, request, context)
            let body = try await request.jsonBody(limit: limits.requestBytes, setBy: Limits.requestBytesSetting)
            // Whoever only begins to send takes no place.
            let place = try places.enter(
                account: opened.account.id, key: opened.key.credential, from: context.client)
            let call = try dialect.read(body)
            // How long a body takes is up to the caller, and what was decided meanwhile binds this call.
            if !admission.isCurrent(opened, at: clock.now()) {
                (opened, facts) = try await admit(bearer, request, context)
            }
            let passed = ForwardedHeaders.toUpstream(request.headers, withoutKey: bearer)
            return try await serve(call, opened, facts, request.headers, passed, context, place)
        } catch let error where !(error is ErrorWithHeaders) {
            throw ErrorWithHeaders(error, Receipt.none)
        }
    }

    /// Decides, holds the cost, and sees the call through to its charge or its void.
    private func serve(
        _ call: ChatRequest, _ opened: Admission.Opened, _ facts: CallFacts, _ headers: HTTPFields,
        _ passed: HTTPFields, _ context: WebContext, _ place: CallPlaces.Place
    ) async throws -> Response {
        let admitted = try await decide(opened, facts, model: call.model)
        credentials.noteUse(of: opened.key, at: facts.time)
        let route = admitted.route
        let idempotency = try IdempotencyKey(headers, body: call.body)
        let metered = MeteredCall(
            account: opened.account.id, credential: opened.key.credential, application: opened.application.id,
            model: admitted.model, quote: admitted.quote, time: facts.time, idempotency: idempotency)
        let hold: Hold
        switch try await metering.hold(metered) {
        case .held(let made): hold = made
        case .answered(let stored):
            guard let response = stored.response else { throw Problem.internalError }
            return response
        }
        do {
            let sent = dialect.request(
                call, to: route, by: opened.application, isKept: idempotency != nil && !call.isStream)
            let end = upstreams.deadline()
            let answer = try await callers.whilePresent(on: context.channel, until: end) { [upstreams] in
                try await upstreams.complete(sent, passed, route, until: end, context.logger)
            }
            let (receipt, charge) = try await settle(hold, answer)
            return answer.response(
                receipt, charge: charge, holding: place, for: callers, on: context.channel, until: end)
        } catch {
            await metering.void(hold)
            throw ErrorWithHeaders(
                error is Callers.DeadlinePassed ? Denial.upstreamTimeout : error, Receipt(voided: hold).headers)
        }
    }

    /// Decides which model the call goes to. A refusal says which the key could have named.
    private func decide(
        _ opened: Admission.Opened, _ facts: CallFacts, model: Text?
    ) async throws -> Admission.Admitted {
        do {
            return try await admission.decide(opened, facts, model: model?.string)
        } catch let denial as Denial where denial == .modelNotFound || denial == .modelNotAllowed {
            var problem = denial.problem
            let usable = opened.usableModels
            let named = usable.prefix(Self.namedModels)
            let more = usable.count - named.count
            problem.detail +=
                usable.isEmpty
                ? " There is none that it may use."
                : " This key may use: " + named.joined(separator: ", ")
                    + (more > 0 ? ", and \(more) more (GET /v1/models)." : ".")
            throw problem
        }
    }

    /// How many models a refusal names at most.
    private static let namedModels = 20

    /// The one rule. A short answer is charged before it goes out; a stream flows while its charge commits.
    private func settle(_ hold: Hold, _ answer: UpstreamAnswer) async throws -> (Receipt, Task<Void, any Error>?) {
        let receipt = Receipt(for: hold)
        guard answer.isEventStream else {
            // What is kept for a repetition is made only for a call that can have one.
            try await metering.charge(hold, answer: hold.isRepeatable ? StoredAnswer(answer, receipt) : nil)
            return (receipt, nil)
        }
        // A task of its own: it goes on when the caller has left.
        let charge = Task { [metering] in
            do {
                try await metering.charge(hold)
            } catch {
                // The stream will be cut, so it is not to cost anything.
                await metering.void(hold)
                throw error
            }
        }
        return (receipt, charge)
    }
}
