package import Policy
import Synchronization
package import Values

/// Credits set aside for one call under way. It ends once: as a charge, or given back. One that nobody has ended when
/// nobody has it any more is given back, so that no mistake above can keep a customer's credits for ever.
package final class Hold: Sendable {
    private enum Phase: UInt8, AtomicRepresentable {
        case open, charging, ended
    }

    /// The name of its charge, which is in the ledger when it is charged.
    package let id: Identifier
    package let call: MeteredCall
    /// The least that is left of the account's balance, the key's limit and its limit for the month, with this call held.
    package let remaining: Credits

    let number: Int64
    private let purses: Purses
    private let phase = Atomic<Phase>(.open)

    init(_ number: Int64, _ call: MeteredCall, remaining: Credits, in purses: Purses) {
        self.number = number
        id = Identifier(number: number)
        self.call = call
        self.remaining = remaining
        self.purses = purses
    }

    deinit { if phase.load(ordering: .relaxed) == .open { purses.release(call) } }

    /// The most that the call may cost.
    package var cost: Credits { call.cost }
    /// Whether the call came with an idempotency key.
    package var isRepeatable: Bool { call.idempotency != nil }

    /// Whether it was open.
    func beginCharge() -> Bool { move(from: .open, to: .charging) }

    /// The charge is on disk, or it is not and the hold is as it was.
    func endCharge(isCommitted: Bool) {
        phase.store(isCommitted ? .ended : .open, ordering: .releasing)
        if isCommitted { call.claim?.end() }
    }

    /// Gives back what was held. Whether it was open.
    func release() -> Bool {
        guard move(from: .open, to: .ended) else { return false }
        purses.release(call)
        // It was not served, so the next call with this key is the first one.
        call.claim?.end()
        return true
    }

    private func move(from: Phase, to: Phase) -> Bool {
        phase.compareExchange(expected: from, desired: to, ordering: .acquiringAndReleasing).exchanged
    }
}

/// What comes of asking for a hold.
package enum HoldAnswer: Sendable {
    /// The call may go to the upstream.
    case held(Hold)
    case denied(Denial)
    /// Something that the call was decided by has changed: decide it again.
    case changed
    /// Not all that bounds the call is in memory, or its idempotency key has to be looked up: see
    /// ``Metering/prepare(_:)``, and ask again.
    case unknown
}

/// What comes of preparing a call.
package enum Prepared: Sendable {
    /// Ask for the hold of this call, which has all that it needs.
    case ready(MeteredCall)
    /// The call was answered before; this is the answer.
    case answered(StoredAnswer)
}
