package import Accounts
import Credentials
import Metering
package import Secrets
package import Values

/// A key that its owner, or somebody else, has found where it should not be.
package struct LeakReport: Sendable {
    /// What to do with it at once.
    package enum Action: String, FieldText, CaseIterable {
        case disable
        case rotate

        package static let rule = "must be disable or rotate"
        package init?(_ text: String) { self.init(rawValue: text) }
    }

    /// By the secret that was found, or by its id; exactly one of the two.
    package var token: GivenText?
    package var credential: Identifier?
    package var action: Action
    /// Where it was found.
    package var source: OptionalName?

    package init(token: GivenText?, credential: Identifier?, action: Action, source: OptionalName?) {
        self.token = token
        self.credential = credential
        self.action = action
        self.source = source
    }
}

/// What can be done with the secret of a key after its creation.
extension Management {
    /// How long the old secret may go on working beside the new one, in seconds.
    package static let overlaps = 0...Int(Credentials.longestOverlap.components.seconds)

    package func revealCredential(
        _ caller: Caller, _ id: Identifier, _ proof: Proof
    ) async throws(Refusal) -> Secret {
        try await perform(.revealCredential, caller) { domains, actor in
            try await domains.credentials.reveal(
                id, by: actor, try actor.person(), proof, from: caller.address, caller.author)
        }
    }

    /// - Parameter overlap: in seconds; `nil` is refused, since neither default would be right for both a leak and a
    ///   routine.
    package func rotateCredential(
        _ caller: Caller, _ id: Identifier, overlap: Int?
    ) async throws(Refusal) -> IssuedKey {
        try await perform(.rotateCredential, caller) { domains, actor in
            guard let overlap else {
                throw Refusal.invalid(
                    "overlap_seconds", "is required: how many seconds the old secret still works; 0 ends it at once")
            }
            guard Self.overlaps.contains(overlap) else {
                throw Refusal.invalid(
                    "overlap_seconds",
                    "must be a whole number from \(Self.overlaps.lowerBound) to \(Self.overlaps.upperBound)")
            }
            return try await domains.issued(for: id, of: actor.account) {
                try await domains.credentials.rotate(
                    id, of: actor.account, overlap: .seconds(overlap), by: caller.author)
            }
        }
    }

    package func retireCredential(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> KeyDetails {
        try await perform(.retireCredential, caller) { domains, actor in
            try await domains.details(domains.credentials.retire(id, of: actor.account, by: caller.author))
        }
    }

    /// - Returns: also the new secret, when the key was rotated.
    package func reportLeak(
        _ caller: Caller, _ report: LeakReport
    ) async throws(Refusal) -> (KeyDetails, Secret?) {
        let operation: Operation = report.action == .disable ? .reportLeakToDisable : .reportLeakToRotate
        return try await perform(operation, caller) { domains, actor in
            try domains.refuseKey(in: report.source, "source")
            let source = report.source ?? .empty
            let found = try await domains.leaked(report, of: actor.account)
            switch report.action {
            case .disable:
                let credential = try await domains.credentials.disable(
                    leaked: found, of: actor.account, source: source, by: caller.author)
                return (try await domains.details(credential), nil)
            case .rotate:
                let issued = try await domains.issued(for: found, of: actor.account) {
                    try await domains.credentials.rotate(
                        found, of: actor.account, overlap: .zero, leak: source, by: caller.author)
                }
                return (issued.key, issued.secret)
            }
        }
    }
}

extension Management.Domains {
    /// A new secret of a key with what its answer says beside it, which is read before: nothing that fails may come between
    /// the secret and its only answer.
    fileprivate func issued(
        for id: Identifier, of account: Identifier, _ rotate: () async throws -> (Credential, Secret)
    ) async throws -> IssuedKey {
        let now = clock.now()
        let key = try await credentials.find(id, of: account)
        let meter = try await metering.meters(of: [key.id], in: account, Month(of: now))[key.id] ?? KeyMeter()
        let age = try await rotationAge(of: account)
        let (credential, secret) = try await rotate()
        return IssuedKey(
            key: KeyDetails(credential: credential, meter: meter, rotationAge: age, at: now), secret: secret)
    }

    fileprivate func leaked(_ report: LeakReport, of account: Identifier) async throws -> Identifier {
        switch (report.token, report.credential) {
        case (let token?, nil): try await credentials.find(leaked: token.text, of: account).id
        case (nil, let id?): id
        case (nil, nil): throw Refusal.invalid("token", "is required, or credential_id")
        case (_?, _?): throw Refusal.invalid("credential_id", "can't be sent together with token")
        }
    }
}

extension Actor {
    /// The session of a person. What needs one has asked for it already.
    func person() throws(Refusal) -> Session {
        guard let session else { throw .sessionRequired }
        return session
    }
}
