package import HTTP
import HTTPTypes
package import Metering
import Values

extension IdempotencyRefusal: PublicError {
    package var problem: Problem {
        switch self {
        case .inFlight:
            Problem(
                .conflict, "idempotency_in_flight",
                "A call with this Idempotency-Key is still running. Try again when it is done."
            ).with(.retryAfter, "1")
        case .otherBody:
            Problem(
                .unprocessableContent, "idempotency_key_reused",
                "This Idempotency-Key was used for a call with another body. Use a new key for a new call.")
        case .notReplayable(let charge):
            Problem(
                .conflict, "idempotency_not_replayable",
                "The call with this Idempotency-Key was served and charged, but as a stream or an answer of more than "
                    + "1 MiB, which can't be replayed. It is not charged again."
            ).with(.shouldRetry, "false").with(.latchkeyCharge, charge.description)
        }
    }
}
