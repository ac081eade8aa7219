import Database
package import HTTP
import Secrets

// The public side of what can fail below every use case: overload is said, everything else is only logged.

extension DatabaseFailure: PublicError {
    package var problem: Problem {
        if self == .overloaded { return .overloaded }
        return isRefusedWrite ? .storageFailed : .internalError
    }
}

extension Argon2Failure: PublicError {
    package var problem: Problem {
        switch self {
        case .overloaded, .stopped: .overloaded
        case .failed: .internalError
        }
    }
}
