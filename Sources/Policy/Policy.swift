/// The rules of Latchkey as pure functions: facts and a time go in, a verdict comes out.
///
/// This room imports nothing, does no I/O and reads no clock. That is what makes a rule testable by a table of examples,
/// and what lets the same rule answer a call on the gateway, a `verify` from somebody's own server and a dry run.
/// It owns the order of checks, the list of denial codes, the caps, and the two values that every floor shares:
/// ``Timestamp`` and ``Identifier``. It may not know where a fact was read or how a denial is put on the wire.
package enum Policy {
    /// Decides whether a key that is already known to be genuine and live may make this call.
    ///
    /// The order is the design's (§6): right app, not expired, account in good standing, model. The first failure is the
    /// verdict, so a key of another app never learns anything about the app it knocked at. Credits come after these, and
    /// are decided where they are recorded (``admit(cost:_:)``).
    /// - Returns: the model the call goes to (a public name), or the denial.
    package static func decide(_ call: CallFacts, key: KeyFacts, account: AccountFacts, app: AppRules)
        -> Result<String, Denial>
    {
        if let denial = admit(call, key: key) ?? admit(account) { return .failure(denial) }
        return model(named: call.model, app: app)
    }

    /// The checks that need only the key: right app, not expired. `nil` when it passes.
    package static func admit(_ call: CallFacts, key: KeyFacts) -> Denial? {
        if let addressed = call.addressedApplication, addressed != key.application { return .wrongApp }
        if key.expiresAt.isExpired(at: call.time) { return .keyExpired }
        return nil
    }

    /// The check that needs only the account. `nil` when it passes.
    package static func admit(_ account: AccountFacts) -> Denial? { account.isSuspended ? .accountSuspended : nil }

    /// Which model a call that names `requested` goes to. No name means the app's own model.
    private static func model(named requested: RequestedModel, app: AppRules) -> Result<String, Denial> {
        switch requested {
        case .none: .success(app.model)
        case .known(let name) where app.allowedModels.contains(name): .success(name)
        case .known: .failure(.modelNotAllowed)
        case .unknown: .failure(.modelNotFound)
        }
    }
}

/// What policy must know of a key.
package struct KeyFacts: Sendable {
    package var application: Identifier
    /// `nil` means permanent.
    package var expiresAt: Timestamp?

    package init(application: Identifier, expiresAt: Timestamp?) {
        self.application = application
        self.expiresAt = expiresAt
    }
}

/// What policy must know of an account.
package struct AccountFacts: Sendable {
    package var isSuspended: Bool

    package init(isSuspended: Bool) { self.isSuspended = isSuspended }
}

/// What policy must know of a call.
package struct CallFacts: Sendable {
    /// The app that the address names; `nil` when the key alone selects the app.
    package var addressedApplication: Identifier?
    package var model: RequestedModel
    package var time: Timestamp

    package init(addressedApplication: Identifier?, model: RequestedModel, time: Timestamp) {
        self.addressedApplication = addressedApplication
        self.model = model
        self.time = time
    }
}

/// The model that a caller asked for, seen against the operator's catalog.
package enum RequestedModel: Sendable, Equatable {
    case none
    /// The catalog has a model of this name.
    case known(String)
    /// The catalog has none.
    case unknown
}

/// What policy must know of an app.
package struct AppRules: Sendable {
    /// The model of a call that names none; always one of ``allowedModels``.
    package var model: String
    package var allowedModels: [String]

    package init(model: String, allowedModels: [String]) {
        self.model = model
        self.allowedModels = allowedModels
    }
}

extension Timestamp? {
    /// Whether an expiry has come. The instant itself is already too late; `nil` never comes.
    package func isExpired(at time: Timestamp) -> Bool {
        guard let self else { return false }
        return self <= time
    }
}
