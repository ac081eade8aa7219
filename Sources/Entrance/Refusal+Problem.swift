import Accounts
package import HTTP
import HTTPTypes
package import Management
import Values

/// How HTTP says a refusal: a status for each code (RFC 9110 §15.5) and the headers that go with some of them.
extension Refusal: PublicError {
    package var problem: Problem {
        var problem = Problem(code.status, code.rawValue, sentence)
        problem.fields = fields
        if let retryAfter { problem = problem.with(.retryAfter, String(retryAfter)) }
        switch code {
        case .unauthenticated:
            problem = problem.with(.wwwAuthenticate, BearerCredential.challenge(presented: isPresented))
        case .signInFailed, .secondFactorRequired:
            problem = problem.with(.wwwAuthenticate, BearerCredential.challenge(presented: false))
        case .insufficientScope:
            let scope = scope?.rawValue ?? ""
            problem = problem.with(
                .wwwAuthenticate,
                #"Bearer realm="latchkey", error="insufficient_scope", scope="\#(scope)""#)
        default: break
        }
        return problem
    }
}

extension Refusal.Code {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .invalidRequest, .tooManyRows: .badRequest
        case .unauthenticated, .signInFailed, .secondFactorRequired: .unauthorized
        case .sessionRequired, .reauthenticationRequired, .rootOnly, .adminOnly, .insufficientScope,
            .setupTokenInvalid, .invitationInvalid, .resetInvalid:
            .forbidden
        case .notFound: .notFound
        case .alreadySetUp, .emailTaken, .lastRootUser, .lastAdmin, .ownAccount, .accountClosed, .accountHasUsers,
            .userLimitReached, .secondFactorSet, .noSecondFactor, .noEnrolment, .platformTokenLimitReached,
            .nameTaken, .providerInUse, .modelInUse, .versionExists, .versionInEffect, .previewOutdated,
            .groupInUse,
            .applicationLimitReached, .credentialCapReached, .rotationInProgress, .nothingToRetire,
            .revealableForbidden, .revealKeyMissing, .showOnce, .revealLost, .revealUnavailable,
            .confirmationRequired, .balanceTooLarge, .insufficientCredits, .idempotencyInFlight,
            .idempotencyNotReplayable:
            .conflict
        case .idempotencyKeyReused: .unprocessableContent
        case .tooManyAttempts, .tooManyChanges, .tooManyTests, .dailyCreationLimitReached, .dailyRotationLimitReached:
            .tooManyRequests
        // nginx's, for a caller who did not wait.
        case .callerLeft: HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")
        case .overloaded, .storageFailed: .serviceUnavailable
        case .internalError: .internalServerError
        }
    }
}
