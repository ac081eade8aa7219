package import Values

/// The rules of Latchkey as pure functions: facts and a time go in, a verdict comes out.
///
/// This room imports only values, does no I/O and reads no clock. That is what makes a rule testable by a table of
/// examples, and what lets the same rule answer a call on the gateway, a `verify` from somebody's own server and a dry
/// run. It owns the order of checks, a key's terms, the list of denial codes and the caps. It must not know where a fact
/// was read or how a denial is put on the wire.
package enum Policy {
    /// One check of a call. The order of the cases is the order of the checks (design §6), here and nowhere else; the
    /// first that fails is the verdict, so a key of another app never learns anything about the app it knocked at.
    package enum Step: String, Sendable, CaseIterable {
        case application
        case expiry
        case status
        case account
        case address
        case origin
        case model
    }

    /// Whether a key that is already known to be genuine and live may make this call, but for the model, for which a
    /// body has to be read first (``model(of:key:app:)``), and credits, which are decided where they are recorded
    /// (``admit(cost:_:)``). `nil` when it may.
    package static func admit(_ call: CallFacts, key: KeyFacts, account: AccountFacts) -> Denial? {
        for step in Step.allCases where step != .model {
            if let denial = check(step, call, key, account) { return denial }
        }
        return nil
    }

    /// Every check with what comes of it, whatever came of those before.
    package static func explain(_ call: CallFacts, key: KeyFacts, account: AccountFacts, app: AppRules)
        -> [(step: Step, denial: Denial?)]
    {
        Step.allCases.map { step in
            guard step == .model else { return (step, check(step, call, key, account)) }
            guard case .failure(let denial) = model(of: call, key: key, app: app) else { return (step, nil) }
            return (step, denial)
        }
    }

    private static func check(_ step: Step, _ call: CallFacts, _ key: KeyFacts, _ account: AccountFacts) -> Denial? {
        switch step {
        case .application:
            guard let addressed = call.addressedApplication, addressed != key.application else { return nil }
            return .wrongApp
        case .expiry: return key.terms.expiresAt.isExpired(at: call.time) ? .keyExpired : nil
        case .status: return key.isDisabled ? .keyDisabled : nil
        case .account: return account.isSuspended ? .accountSuspended : nil
        case .address:
            guard let allowed = key.terms.addresses else { return nil }
            // An address that can't be known is on no list.
            guard let address = call.address, allowed.contains(where: { $0.contains(address) }) else {
                return .ipNotAllowed
            }
            return nil
        case .origin:
            switch (key.terms.host, call.origin) {
            case (nil, .none), (nil, .console): return nil
            case (nil, _): return .browserNotAllowed
            case (let host?, .host(let asking)): return host == asking ? nil : .hostNotAllowed
            case (let host?, .console(let asking)): return host == asking ? nil : .hostNotAllowed
            case (_?, _): return .hostNotAllowed
            }
        case .model: return nil
        }
    }

    /// Which model a call goes to (a public name), or why to none. No name means the app's own model.
    package static func model(of call: CallFacts, key: KeyFacts, app: AppRules) -> Result<String, Denial> {
        guard let name = model(of: call, app: app) else { return .failure(.modelNotFound) }
        return allows(name, key: key, app: app) ? .success(name) : .failure(.modelNotAllowed)
    }

    /// The model that a call means, whether or not it may; `nil` when there is none of that name.
    package static func model(of call: CallFacts, app: AppRules) -> String? {
        switch call.model {
        case .none: app.model
        case .known(let asked): asked
        case .unknown: nil
        }
    }

    /// Whether a key may use a model of this name.
    package static func allows(_ model: String, key: KeyFacts, app: AppRules) -> Bool {
        app.allowedModels.contains(model) && key.terms.models?.contains(model) != false
    }
}

/// What policy must know of a key.
package struct KeyFacts: Sendable {
    package var application: Identifier
    package var isDisabled: Bool
    package var terms: KeyTerms

    package init(application: Identifier, isDisabled: Bool = false, terms: KeyTerms = KeyTerms()) {
        self.application = application
        self.isDisabled = isDisabled
        self.terms = terms
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
    /// Where the call comes from; `nil` when that can't be known.
    package var address: IPAddress?
    package var origin: WebOrigin
    package var model: RequestedModel
    package var time: Timestamp

    package init(
        addressedApplication: Identifier? = nil, address: IPAddress?, origin: WebOrigin, model: RequestedModel = .none,
        time: Timestamp
    ) {
        self.addressedApplication = addressedApplication
        self.address = address
        self.origin = origin
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
