import Accounts
import Applications
import Calls
import Catalog
import Credentials
import Database
import Metering
import Secrets
import Values

import struct Applications.Application

// The public side of every error of the domains: the stable code and the sentence. The domains know neither.

extension Refusal {
    /// Whatever an operation threw.
    init(_ error: any Error) {
        self =
            switch error {
            case let refusal as Refusal: refusal
            case let broken as InvalidField: .invalid(broken)
            case let error as AccountsError: error.refusal
            case is ProofOutdated: AccountsError.signInFailed.refusal
            case let error as CatalogError: error.refusal
            case let error as ApplicationsError: error.refusal
            case let error as CredentialsError: error.refusal
            case let error as CallsError: error.refusal
            case let error as IdempotencyRefusal: error.refusal
            case let error as MeteringError: error.refusal
            case let error as DatabaseFailure: error.refusal
            case let error as Argon2Failure: error.refusal
            case is CancellationError: .callerLeft
            default: .internalError(error)
            }
    }
}

extension DatabaseFailure {
    fileprivate var refusal: Refusal {
        if self == .overloaded { return .overloaded }
        return isRefusedWrite ? .storageFailed(self) : .internalError(self)
    }
}

extension Argon2Failure {
    fileprivate var refusal: Refusal {
        switch self {
        case .overloaded, .stopped: .overloaded
        case .failed: .internalError(self)
        }
    }
}

extension CatalogError {
    fileprivate var refusal: Refusal {
        switch self {
        case .notFound: .notFound
        case .nameTaken:
            Refusal(
                .nameTaken, "This name is taken; choose another one.")
        case .noSuchProvider: .invalid("provider_id", "names no provider of this deployment")
        case .providerInUse:
            Refusal(
                .providerInUse, "The provider still has models. Delete them first.")
        case .modelInUse:
            Refusal(
                .modelInUse, "Applications use the model. Change them first, then delete it.")
        case .echoTakesNo(let field): .invalid(field, "can't be set for a provider of kind echo")
        case .versionExists:
            Refusal(
                .versionExists, "Another version begins at this time. Choose another time.")
        case .versionInEffect:
            Refusal(
                .versionInEffect,
                "This version is or was in effect, so it stays in the history. Add a new version instead.")
        case .previewOutdated:
            Refusal(
                .previewOutdated,
                "The group's multipliers are not those that the preview was made with. Look at a new preview, then save."
            )
        case .effectiveInPast: .invalid("effective_at", "must be in the future, or null for now")
        case .standardGroup:
            Refusal(
                .groupInUse,
                "Accounts fall back on the group standard, so it can't be retired.")
        }
    }
}

extension ApplicationsError {
    fileprivate var refusal: Refusal {
        switch self {
        case .accountClosed: .accountClosed
        case .notFound: .notFound
        case .limitReached:
            Refusal(
                .applicationLimitReached,
                "The account has \(Application.limit) applications, the most it may have. Delete one first.")
        case .unknownModel(let field): .invalid(field, "names no model of this deployment")
        case .modelNotAmongAllowed: .invalid("allowed_models", "must contain the application's own model")
        case .repeatedModel(let index): .invalid("allowed_models[\(index)]", "comes twice")
        }
    }
}

extension CallsError {
    fileprivate var refusal: Refusal {
        switch self {
        case .noSuchApplication: .invalid("application_id", "names no application of this account")
        }
    }
}

extension MeteringError {
    fileprivate var refusal: Refusal {
        switch self {
        case .noSuchAccount: .notFound
        case .balanceTooLarge:
            Refusal(
                .balanceTooLarge,
                "The sum would be more than \(Credits.most.decimal) credits, the most there can be.")
        case .balanceTooSmall(let available):
            Refusal(
                .insufficientCredits,
                "The account has \(available.decimal) credits that are neither spent nor held, so no more can be taken away."
            )
        case .holdNotOpen, .chargeAboveHold: .internalError(self)
        case .tooManyRows(let limit):
            .invalid(
                InvalidField("by", "must give a report of at most \(limit) rows"), .tooManyRows,
                "The report has more than \(limit) rows. Ask for fewer days or fewer dimensions.")
        }
    }
}

extension IdempotencyRefusal {
    /// What the gateway says of its `Idempotency-Key`, said of the `request_id`.
    fileprivate var refusal: Refusal {
        switch self {
        case .inFlight:
            Refusal(
                .idempotencyInFlight, "A question with this request_id is still being answered; ask again."
            ).retrying(after: 1)
        case .otherBody:
            Refusal(
                .idempotencyKeyReused,
                "This request_id was used with this key for another question; choose another one.")
        case .notReplayable:
            Refusal(
                .idempotencyNotReplayable,
                "This question was answered and charged, but the answer was not kept. It is not charged again.")
        }
    }
}
