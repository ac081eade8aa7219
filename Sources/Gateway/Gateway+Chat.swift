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

import struct Applications.Application

extension Gateway {
    private var dialect: OpenAIChat { OpenAIChat() }

    /// `POST /v1/chat/completions`.
    func chatCompletion(_ request: Request, _ context: WebContext) async throws -> Response {
        // The key is checked before the body is read: nobody makes the server take in a body without one.
        do {
            let bearer = try Self.bearer(request.headers)
            var (opened, facts) = try await admitCall(bearer, request, context)
            let body = try await request.jsonBody(limit: limits.requestBytes, setBy: Limits.requestBytesSetting)
            // Whoever only begins to send takes no place.
            let place = try places.enter(
                account: opened.account.id, key: opened.key.credential, from: context.client)
            let call = try dialect.read(body)
            // How long a body takes is up to the caller, and what was decided meanwhile binds this call.
            if !admission.isCurrent(opened, at: clock.now()) {
                (opened, facts) = try await admitCall(bearer, request, context)
            }
            let passed = ForwardedHeaders.toUpstream(request.headers, withoutKey: bearer)
            let idempotency = try IdempotencyKey(request.headers, body: call.body)
            while true {
                let admitted = try await decide(opened, facts, model: call.model)
                credentials.noteUse(of: opened.key, at: facts.time)
                switch try await hold(admitted, of: opened, at: facts.time, idempotency) {
                case .held(let hold):
                    return try await serve(call, hold, admitted.route, opened.application, passed, context, place)
                case .answered(let stored):
                    guard let response = stored.response else { throw Problem.internalError }
                    return response
                case .changed: (opened, facts) = try await admitCall(bearer, request, context)
                }
            }
        } catch let error where !(error is ErrorWithHeaders) {
            throw ErrorWithHeaders(error, Receipt.none)
        }
    }

    /// Opens the key of a call and runs every check that needs no body. A call of a known key that is denied is counted.
    private func admitCall(
        _ bearer: String, _ request: Request, _ context: WebContext
    ) async throws -> (Admission.Opened, CallFacts) {
        let (opened, facts) = try await open(bearer, request, context)
        do {
            let call = try addressed(facts, context)
            try admission.admit(opened, call)
            return (opened, call)
        } catch let denial as Denial {
            note(denial, opened, at: facts.time)
            throw denial
        }
    }

    private func note(_ denial: Denial, _ opened: Admission.Opened, at time: Timestamp) {
        metering.noteRefused(opened.key.credential, of: opened.account.id, as: denial.rawValue, at: time)
    }

    private func hold(
        _ admitted: Admission.Admitted, of opened: Admission.Opened, at time: Timestamp, _ idempotency: IdempotencyKey?
    ) async throws -> Admission.HoldOutcome {
        do {
            return try await admission.hold(admitted, of: opened, at: time, idempotency: idempotency)
        } catch let denial as Denial {
            note(denial, opened, at: time)
            throw denial
        }
    }

    /// Sees a call that is held through to its charge, or to the release of its hold.
    private func serve(
        _ call: ChatRequest, _ hold: Hold, _ route: ModelRoute, _ application: Application, _ passed: HTTPFields,
        _ context: WebContext, _ place: CallPlaces.Place
    ) async throws -> Response {
        do {
            let sent = dialect.request(
                call, to: route, by: application, isKept: hold.isRepeatable && !call.isStream)
            let end = upstreams.deadline()
            let answer = try await callers.whilePresent(on: context.channel, until: end) { [upstreams] in
                try await upstreams.complete(sent, passed, route, until: end, context.logger)
            }
            let (receipt, charge) = try await settle(hold, answer)
            return answer.response(
                receipt, charge: charge, holding: place, for: callers, on: context.channel, until: end)
        } catch {
            let error = error is Callers.DeadlinePassed ? Denial.upstreamTimeout : error
            metering.release(hold, as: Self.code(error))
            throw ErrorWithHeaders(error, Receipt(released: hold).headers)
        }
    }

    /// As what a call is counted that failed.
    private static func code(_ error: any Error) -> String {
        switch error {
        case let denial as Denial: denial.rawValue
        case is CancellationError: "caller_left"
        default: "internal_error"
        }
    }

    /// Decides which model the call goes to. A refusal says which the key could have named.
    private func decide(
        _ opened: Admission.Opened, _ facts: CallFacts, model: Text?
    ) async throws -> Admission.Admitted {
        do {
            return try await admission.decide(opened, facts, model: model?.string)
        } catch let denial as Denial where denial == .modelNotFound || denial == .modelNotAllowed {
            note(denial, opened, at: facts.time)
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
                metering.release(hold, as: "internal_error")
                throw error
            }
        }
        return (receipt, charge)
    }
}
