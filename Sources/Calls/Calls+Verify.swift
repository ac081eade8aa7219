import Accounts
import Applications
import Catalog
import Metering
package import Policy
package import Values

/// A service owner's question: may this key make a call of this app of mine?
package struct Question: Sendable {
    let key: String
    let application: Identifier
    let model: Text?
    let address: IPAddress?
    let origin: WebOrigin

    /// - Parameters:
    ///   - key: as the caller sent it.
    ///   - address: of the caller, as the owner's server knows it.
    package init(
        key: String, application: Identifier, model: Text?, address: IPAddress?, origin: WebOrigin
    ) {
        self.key = key
        self.application = application
        self.model = model
        self.address = address
        self.origin = origin
    }
}

/// The answer to a ``Question``.
package struct Verification: Sendable {
    package var denial: Denial?
    /// `nil` for a key of somebody else, and for what is none.
    package var credential: Identifier?
    package var model: String?
    package var cost: Credits?
    package var remaining: Credits?
    /// The entry of the ledger, when it was charged.
    package var charge: Identifier?

    fileprivate init(_ denial: Denial?, credential: Identifier? = nil) {
        self.denial = denial
        self.credential = credential
    }
}

/// Why a question can't be answered.
package enum CallsError: Error, Sendable, Equatable {
    /// The app is not one of the asking account's.
    case noSuchApplication
}

extension Calls {
    /// Answers for an app of `account`.
    /// - Parameters:
    ///   - request: charge an allowed call under this name, once however often it is asked; `nil` only looks.
    ///   The name is the key's: under another key it stands for another call.
    /// - Throws: ``IdempotencyRefusal`` when the name stands for another question, or for one still under way.
    package func verify(
        _ question: Question, for account: Identifier, charging request: String?, at now: Timestamp
    ) async throws -> Verification {
        do {
            _ = try await applications.find(question.application, of: account)
        } catch ApplicationsError.notFound {
            throw CallsError.noSuchApplication
        }
        var known: Identifier?
        do {
            while true {
                if let answer = try await decide(question, for: account, charging: request, at: now, &known) {
                    return answer
                }
            }
        } catch let denial as Denial {
            // Who only looks makes no call.
            if request != nil, let known { metering.noteRefused(known, of: account, as: denial.rawValue, at: now) }
            return Verification(denial, credential: known)
        }
    }

    /// - Parameter known: is set to the key, once it is known to be one of the asking account's.
    /// - Returns: `nil` when something has changed meanwhile, and all is to be decided again.
    private func decide(
        _ question: Question, for account: Identifier, charging request: String?, at now: Timestamp,
        _ known: inout Identifier?
    ) async throws -> Verification? {
        let key = try await open(question.key, at: now)
        if key.account.id == account { known = key.credential }
        // What was paid for is answered again, whatever has changed since.
        if let request, key.application.id == question.application,
            let kept = try await metering.answer(to: Self.name(request, question), of: key.credential),
            let answer = Verification(kept, credential: key.credential)
        {
            return answer
        }
        let admitted = try key.admit(to: question.application, from: question.address, on: question.origin)
        let decided = try await decide(admitted, model: question.model)
        noteUse(of: key)
        if let request { return try await charge(decided, Self.name(request, question)) }
        return try await look(decided)
    }

    private func look(_ call: DecidedCall) async throws -> Verification {
        let key = call.key
        let bounds = try await metering.credits(of: key.credential, in: key.account.id, Month(of: key.time))
            .bounds(of: key.terms)
        let cost = call.quote.cost
        if let denial = Policy.admit(cost: cost, bounds) { throw denial }
        var answer = Verification(nil, credential: key.credential)
        answer.model = call.route.name
        answer.cost = cost
        answer.remaining = bounds.remaining(after: cost)
        return answer
    }

    private static func name(_ request: String, _ question: Question) -> IdempotencyKey {
        IdempotencyKey("verify:" + request, body: question.fingerprint)
    }

    private func charge(_ call: DecidedCall, _ name: IdempotencyKey) async throws -> Verification? {
        switch try await hold(call, idempotency: name) {
        case .changed: return nil
        case .answered(let kept):
            guard let answer = Verification(kept, credential: call.key.credential) else {
                // Kept for a call of the gateway, which names its own differently.
                throw IdempotencyRefusal.otherBody
            }
            return answer
        case .held(let hold):
            var answer = Verification(nil, credential: call.key.credential)
            answer.model = call.route.name
            answer.cost = hold.cost
            answer.remaining = hold.remaining
            answer.charge = hold.id
            do {
                try await metering.charge(hold, answer: answer.kept)
            } catch {
                metering.release(hold, as: "internal_error")
                throw error
            }
            return answer
        }
    }
}

extension Question {
    /// The same for the same question, whatever secret of the key asked it.
    fileprivate var fingerprint: [UInt8] {
        let fields = [application.description, model?.string ?? "", address?.description ?? "", "\(origin)"]
        return Array(fields.map { "\($0.utf8.count):\($0)" }.joined().utf8)
    }
}

extension Verification {
    /// As it is kept for a repetition.
    fileprivate var kept: StoredAnswer? {
        guard let model, let cost, let remaining, let charge else { return nil }
        return StoredAnswer(bytes: Array("verify1 \(charge) \(cost.micro) \(remaining.micro) \(model)".utf8))
    }

    fileprivate init?(_ kept: StoredAnswer, credential: Identifier) {
        let words = String(decoding: kept.bytes, as: UTF8.self).split(separator: " ")
        guard words.count == 5, words[0] == "verify1", let charge = Identifier(String(words[1])),
            let cost = Int64(words[2]), let remaining = Int64(words[3])
        else { return nil }
        self.init(nil, credential: credential)
        model = String(words[4])
        self.cost = Credits(micro: cost)
        self.remaining = Credits(micro: remaining)
        self.charge = charge
    }
}
