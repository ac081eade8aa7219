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

    /// Holds what a call may cost, and reads from disk what that takes. Who may not wait asks ``Metering`` itself.
    /// - Throws: the ``Denial`` of the first bound that it does not fit into; ``IdempotencyRefusal``.
    package func hold(_ call: DecidedCall, idempotency: IdempotencyKey?) async throws -> HoldOutcome {
        var metered = call.metered(idempotency)
        while true {
            switch metering.hold(metered, under: call.key.stamp) {
            case .held(let hold): return .held(hold)
            case .denied(let denial): throw denial
            case .changed: return .changed
            case .unknown:
                switch try await metering.prepare(metered) {
                case .ready(let prepared): metered = prepared
                case .answered(let answer): return .answered(answer)
                }
            }
        }
    }
}
