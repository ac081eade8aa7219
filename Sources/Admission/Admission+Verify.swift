import Accounts
import Applications
import Catalog
import Credentials
import JSON
import Metering
package import Policy
package import Values

/// A service owner's question: may this key make a call of this app of mine?
package struct Question: Sendable {
    let key: String
    let application: Identifier
    let model: String?
    let address: IPAddress?
    let origin: WebOrigin

    /// - Parameters:
    ///   - key: as the caller sent it.
    ///   - address: of the caller, as the owner's server knows it.
    package init(
        key: String, application: Identifier, model: String?, address: IPAddress?, origin: WebOrigin
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
package enum AdmissionError: Error, Sendable, Equatable {
    /// The app is not one of the asking account's.
    case noSuchApplication
}

extension Admission {
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
            throw AdmissionError.noSuchApplication
        }
        var known: Identifier?
        do {
            while true {
                if let answer = try await decide(question, for: account, charging: request, at: now, &known) {
                    return answer
                }
            }
        } catch let denial as Denial {
            return Verification(denial, credential: known)
        }
    }

    /// - Parameter known: is set to the key, once it is known to be one of the asking account's.
    /// - Returns: `nil` when something has changed meanwhile, and all is to be decided again.
    private func decide(
        _ question: Question, for account: Identifier, charging request: String?, at now: Timestamp,
        _ known: inout Identifier?
    ) async throws -> Verification? {
        let opened = try await open(question.key, at: now)
        if opened.account.id == account { known = opened.key.credential }
        // What was paid for is answered again, whatever has changed since.
        if let request, opened.application.id == question.application,
            let kept = try await metering.answer(to: Self.name(request, question), of: opened.key.credential),
            let answer = Verification(kept, credential: opened.key.credential)
        {
            return answer
        }
        let call = CallFacts(
            addressedApplication: question.application, address: question.address, origin: question.origin, time: now)
        try admit(opened, call)
        let admitted = try await decide(opened, call, model: question.model)
        credentials.noteUse(of: opened.key, at: now)
        if let request { return try await charge(opened, admitted, question, request, now) }
        return try await look(opened, admitted, now)
    }

    private func look(_ opened: Opened, _ admitted: Admitted, _ now: Timestamp) async throws -> Verification {
        let credential = try await find(opened)
        let bounds = try await metering.credits(of: credential.id, in: opened.account.id, Month(of: now))
            .bounds(of: credential.terms)
        let cost = admitted.quote.cost
        if let denial = Policy.admit(cost: cost, bounds) { throw denial }
        var answer = Verification(nil, credential: credential.id)
        answer.model = admitted.model
        answer.cost = cost
        answer.remaining = bounds.remaining(after: cost)
        return answer
    }

    private func find(_ opened: Opened) async throws -> Credential {
        do {
            return try await credentials.find(opened.key.credential, of: opened.account.id)
        } catch CredentialsError.notFound {
            // Deleted since it was opened.
            throw Denial.invalidKey
        }
    }

    private static func name(_ request: String, _ question: Question) -> IdempotencyKey {
        IdempotencyKey("verify:" + request, body: question.fingerprint)
    }

    private func charge(
        _ opened: Opened, _ admitted: Admitted, _ question: Question, _ request: String, _ now: Timestamp
    ) async throws -> Verification? {
        switch try await hold(admitted, of: opened, at: now, idempotency: Self.name(request, question)) {
        case .changed: return nil
        case .answered(let kept):
            guard let answer = Verification(kept, credential: opened.key.credential) else {
                // Kept for a call of the gateway, which names its own differently.
                throw IdempotencyRefusal.otherBody
            }
            return answer
        case .held(let hold):
            var answer = Verification(nil, credential: opened.key.credential)
            answer.model = admitted.model
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
        let fields = [application.description, model ?? "", address?.description ?? "", "\(origin)"]
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
