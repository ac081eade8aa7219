import Accounts
import Applications
import Catalog
import Credentials
package import Metering
import Policy
package import Values

/// The last step of a call before it goes anywhere: its credits.
extension Admission {
    /// What comes of asking for a hold.
    package enum HoldOutcome: Sendable {
        /// The call may go to the upstream.
        case held(Hold)
        /// The call was answered before; this is the answer.
        case answered(StoredAnswer)
        /// Something that it was decided by has changed: open the key and decide again.
        case changed
    }

    /// Holds what a call costs that was let through.
    /// - Throws: the ``Denial`` of the first bound that it does not fit into; ``IdempotencyRefusal``.
    package func hold(
        _ admitted: Admitted, of opened: Opened, at time: Timestamp, idempotency: IdempotencyKey?
    ) async throws -> HoldOutcome {
        let terms = opened.key.facts.terms
        var call = MeteredCall(
            account: opened.account.id, credential: opened.key.credential, application: opened.application.id,
            model: admitted.model, quote: admitted.quote, keyLimit: terms.creditLimit,
            monthlyLimit: terms.monthlyLimit, time: time, idempotency: idempotency)
        while true {
            switch metering.hold(call, under: opened.stamp) {
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
