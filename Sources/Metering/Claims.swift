import Synchronization
import Values

/// Which calls with an idempotency key are under way. Only in memory: a crash ends every call.
final class Claims: Sendable {
    struct Name: Hashable, Sendable {
        let credential: Identifier
        let key: String
    }

    private let bodies = Mutex<[Name: String]>([:])

    /// - Throws: why the call can't be the one with its key now.
    func claim(_ key: IdempotencyKey, of credential: Identifier) throws(IdempotencyRefusal) -> Claim {
        let name = Name(credential: credential, key: key.keyDigest)
        let other = bodies.withLock { bodies -> String? in
            if let body = bodies[name] { return body }
            bodies[name] = key.bodyDigest
            return nil
        }
        switch other {
        case nil: return Claim(name, in: self)
        case key.bodyDigest?: throw .inFlight
        default: throw .otherBody
        }
    }

    fileprivate func end(_ name: Name) { bodies.withLock { $0[name] = nil } }
}

/// The right to be the one call with an idempotency key. Ends with its call, or when nobody has it any more.
final class Claim: Sendable {
    private let name: Claims.Name
    private let claims: Claims
    private let hasEnded = Atomic(false)

    fileprivate init(_ name: Claims.Name, in claims: Claims) {
        self.name = name
        self.claims = claims
    }

    deinit { end() }

    var isOpen: Bool { !hasEnded.load(ordering: .acquiring) }

    func end() {
        if hasEnded.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged {
            claims.end(name)
        }
    }
}
