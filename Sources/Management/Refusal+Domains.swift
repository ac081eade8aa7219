import Accounts
import Admission
import Applications
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
            case let error as AdmissionError: error.refusal
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

extension AccountsError {
    fileprivate var refusal: Refusal {
        switch self {
        case .notFound: .notFound
        case .accountClosed: .accountClosed
        case .ownAccount:
            Refusal(
                .ownAccount,
                "This is the account that you are in. An admin of another account can close it.")
        case .alreadySetUp:
            Refusal(
                .alreadySetUp,
                "This deployment has its first admin already; the set-up token has expired.")
        case .emailTaken:
            Refusal(
                .emailTaken, "There is a user with this e-mail address already.")
        case .invitationInvalid:
            Refusal(
                .invitationInvalid, "The invitation was used or replaced, or is too old. Ask for a new one.")
        case .resetInvalid:
            Refusal(
                .resetInvalid, "The password reset was used or replaced, or is too old. Ask for a new one.")
        case .signInFailed:
            Refusal(
                .signInFailed, "The e-mail address, the password or the code is wrong.")
        case .secondFactorRequired:
            Refusal(
                .secondFactorRequired,
                "This user has a second factor: send the six digits of the authenticator, or a recovery code, as code."
            )
        case .sessionEnded: .unauthenticated(presented: true)
        case .lastRootUser:
            Refusal(
                .lastRootUser,
                "This is the account's last root user. Make somebody else root first.")
        case .lastAdmin:
            Refusal(
                .lastAdmin, "This is the deployment's last admin. Make another one first.")
        case .adminOnly: .adminOnly
        case .accountHasUsers:
            Refusal(
                .accountHasUsers,
                "The account has a root user. Who else comes in, and who is root, is for its own root users.")
        case .userLimitReached:
            Refusal(
                .userLimitReached,
                "The account has \(User.limit) users and open invitations, the most it may have.")
        case .secondFactorSet:
            Refusal(
                .secondFactorSet, "There is a second factor already. Remove it first.")
        case .noSecondFactor:
            Refusal(
                .noSecondFactor, "There is no second factor.")
        case .noEnrolment:
            Refusal(
                .noEnrolment, "No enrolment was begun. POST to /api/v1/users/current/totp first.")
        case .wrongCode: .invalid("code", "is not the current code of the authenticator app")
        case .tooManyAttempts(let seconds):
            Refusal(
                .tooManyAttempts,
                "There were too many attempts to sign in from here. Try again in \(seconds) seconds."
            ).retrying(after: Int(seconds))
        case .weakPassword(let rule): .invalid("password", rule)
        case .expiryInPast: .invalid("expires_at", "must be in the future")
        case .tokenLimitReached:
            Refusal(
                .platformTokenLimitReached,
                "You have \(PlatformToken.limit) live platform tokens, the most there may be. Delete one first.")
        case .adminScopes(let scopes):
            Refusal(
                .adminOnly,
                "Only admins may have tokens with " + scopes.map(\.rawValue).joined(separator: ", ") + ".")
        case .rootScopes(let scopes):
            Refusal(
                .rootOnly,
                "Only root users of the account may have tokens with "
                    + scopes.map(\.rawValue).joined(separator: ", ") + ".")
        case .unknownGroup(let field): .invalid(field, "names no pricing group that can be chosen")
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

extension AdmissionError {
    fileprivate var refusal: Refusal {
        switch self {
        case .noSuchApplication: .invalid("application_id", "names no application of this account")
        }
    }
}

extension CredentialsError {
    fileprivate var refusal: Refusal {
        switch self {
        case .modelNotOfApplication(let index):
            .invalid("models[\(index)]", "is not among the models that the application may use")
        case .dailyRotationLimitReached(let limit, let seconds):
            Refusal(
                .dailyRotationLimitReached,
                "The account has rotated keys \(limit) times today, the most it may in one UTC day; the next day begins in "
                    + "\(seconds) seconds."
            ).retrying(after: Int(seconds))
        case .rotationInProgress(let end):
            Refusal(
                .rotationInProgress,
                "An older secret of this key works until \(end.rfc3339). Retire it first, or rotate with overlap_seconds 0, "
                    + "which ends every older secret at once.")
        case .nothingToRetire:
            Refusal(
                .nothingToRetire, "The key has only its current secret.")
        case .revealableForbidden:
            Refusal(
                .revealableForbidden, "The account's key policy forbids keys that can be shown again.")
        case .revealKeyMissing:
            Refusal(
                .revealKeyMissing,
                "No root user of this account can open a copy yet. Sign in once more with the password, then repeat the call."
            )
        case .shownOnce:
            Refusal(
                .showOnce,
                "This key was shown once, when it was made, and there is no copy. Rotate it for a new secret.")
        case .copyLost:
            Refusal(
                .revealLost,
                "The copy of this key was lost when a password was reset: nothing opens it any more. Rotate the key for a "
                    + "new secret.")
        case .noCopyForUser:
            Refusal(
                .revealUnavailable,
                "There is no copy of this key that your password opens. Copies are made for the root users of the time when the "
                    + "secret is made, and are lost when a forgotten password is reset.")
        case .notFound: .notFound
        case .noSuchApplication: .invalid("application_id", "names no application of this account")
        case .expiryInPast: .invalid("expired_at", "must be in the future, or null for never")
        case .unknownGroup: .invalid("group", "names no pricing group that this account may choose")
        case .capReached(let cap):
            Refusal(
                .credentialCapReached,
                "The account has \(cap) keys, the most it may have. Delete one first.")
        case .dailyLimitReached(let limit, let seconds):
            Refusal(
                .dailyCreationLimitReached,
                "The account has created \(limit) keys today, the most it may in one UTC day. Deleting keys does not "
                    + "give a creation back; the next day begins in \(seconds) seconds."
            ).retrying(after: Int(seconds))
        case .confirmationRequired(let keys):
            Refusal(
                .confirmationRequired,
                "The application still has \(keys) key\(keys == 1 ? "" : "s"). Deleting it deletes them for ever, and "
                    + "every program that uses one stops working. To confirm, repeat the call with ?delete_credentials=true."
            )
        case .closingUnconfirmed(let keys, let users):
            Refusal(
                .confirmationRequired,
                "The account still has \(keys) key\(keys == 1 ? "" : "s") and \(users) user\(users == 1 ? "" : "s"). "
                    + "Closing it ends them for ever. To confirm, repeat the call with ?confirmed=true.")
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
        case .holdNotOpen: .internalError(self)
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
