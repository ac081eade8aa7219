import Accounts
package import Metering
import Policy
import Values

/// The last step of a call before it goes anywhere: its credits.
extension Calls {
    /// What comes of asking for a hold.
    package enum HoldOutcome: Sendable {
        /// The call may go to the upstream.
        case held(Hold)
        /// The call was answered before; this is the answer.
        case answered(StoredAnswer)
        /// Something that it was decided by has changed: open the key and decide again.
        case changed
    }

    /// Holds what a call may cost, from memory. For what is not in memory: ``Metering/prepare(_:)``, and ask again with what
    /// that gives.
    /// - Parameters:
    ///   - call: of ``DecidedCall/metered(_:)``.
    ///   - key: that it was decided with.
    package func hold(_ call: MeteredCall, of key: OpenedKey) -> HoldAnswer { metering.hold(call, under: key.stamp) }

    /// Holds what a call may cost, and waits for what is not in memory.
    /// - Throws: the ``Denial`` of the first bound that it does not fit into; ``IdempotencyRefusal``.
    package func hold(_ decided: DecidedCall, idempotency: IdempotencyKey?) async throws -> HoldOutcome {
        var call = decided.metered(idempotency)
        while true {
            switch hold(call, of: decided.key) {
            case .held(let hold): return .held(hold)
            case .denied(let denial): throw denial
            case .changed: return .changed
            case .unknown:
                switch try await metering.prepare(call) {
                case .ready(let prepared): call = prepared
                case .answered(let answer): return .answered(answer)
                }
            }
        }
    }
}
