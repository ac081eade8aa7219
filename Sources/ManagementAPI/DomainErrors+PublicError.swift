import Accounts
import Admission
import Applications
import Catalog
import Credentials
package import HTTP
import HTTPTypes
import Metering
import Policy
import Values

import struct Applications.Application

// The public side of every domain error: the status, the stable code and the sentence. The domains know nothing of
// HTTP.

extension AccountsError: PublicError {
    package var problem: Problem {
        switch self {
        case .notFound: .notFound
        case .accountClosed: Refusal.accountClosed
        case .ownAccount:
            Problem(
                .conflict, "own_account",
                "This is the account that you are in. An admin of another account can close it.")
        case .alreadySetUp:
            Problem(
                .conflict, "already_set_up",
                "This deployment has its first admin already; the set-up token has expired.")
        case .emailTaken: Problem(.conflict, "email_taken", "There is a user with this e-mail address already.")
        case .invitationInvalid:
            Problem(.forbidden, "invitation_invalid", "The invitation is not valid, or no longer. Ask for a new one.")
        case .resetInvalid:
            Problem(.forbidden, "reset_invalid", "The password reset is not valid, or no longer. Ask for a new one.")
        case .signInFailed:
            Problem(.unauthorized, "sign_in_failed", "The e-mail address, the password or the code is wrong.")
                .with(.wwwAuthenticate, BearerCredential.challenge(presented: false))
        case .secondFactorRequired:
            Problem(
                .unauthorized, "second_factor_required",
                "This user has a second factor: send the six digits of the authenticator, or a recovery code, as code."
            ).with(.wwwAuthenticate, BearerCredential.challenge(presented: false))
        case .sessionEnded: Refusal.unauthenticated(presented: true)
        case .lastRootUser:
            Problem(
                .conflict, "last_root_user",
                "This is the account's last root user. Make somebody else root first.")
        case .lastAdmin:
            Problem(.conflict, "last_admin", "This is the deployment's last admin. Make another one first.")
        case .adminOnly: Refusal.adminOnly
        case .accountHasUsers:
            Problem(
                .conflict, "account_has_users",
                "The account has a root user. Who else comes in, and who is root, is for its own root users.")
        case .userLimitReached:
            Problem(
                .conflict, "user_limit_reached",
                "The account has \(User.limit) users and open invitations, the most it may have.")
        case .secondFactorSet:
            Problem(.conflict, "second_factor_set", "There is a second factor already. Remove it first.")
        case .noSecondFactor: Problem(.conflict, "no_second_factor", "There is no second factor.")
        case .noEnrolment:
            Problem(
                .conflict, "no_enrolment", "No enrolment was begun. POST to /api/v1/users/current/totp first.")
        case .wrongCode: .invalid("code", "is not the code of the authenticator now")
        case .tooManyAttempts(let seconds):
            Problem(
                .tooManyRequests, "too_many_attempts",
                "There were too many attempts to sign in from here. Try again in \(seconds) seconds."
            ).with(.retryAfter, String(seconds))
        case .weakPassword(let rule): .invalid("password", rule)
        case .expiryInPast: .invalid("expires_at", "must be in the future")
        case .tokenLimitReached:
            Problem(
                .conflict, "platform_token_limit_reached",
                "You have \(PlatformToken.limit) live platform tokens, the most there may be. Delete one first.")
        case .adminScopes(let scopes):
            Problem(
                .forbidden, "admin_only",
                "Only admins may have tokens with " + scopes.map(\.rawValue).joined(separator: ", ") + ".")
        case .rootScopes(let scopes):
            Problem(
                .forbidden, "root_only",
                "Only root users of the account may have tokens with "
                    + scopes.map(\.rawValue).joined(separator: ", ") + ".")
        case .unknownGroup(let field): .invalid(field, "names no pricing group that can be chosen")
        }
    }
}

extension ProofOutdated: PublicError {
    package var problem: Problem { AccountsError.signInFailed.problem }
}

extension CatalogError: PublicError {
    package var problem: Problem {
        switch self {
        case .notFound: .notFound
        case .nameTaken: Problem(.conflict, "name_taken", "This name is taken; choose another one.")
        case .noSuchProvider: .invalid("provider_id", "names no provider of this deployment")
        case .providerInUse:
            Problem(.conflict, "provider_in_use", "The provider still has models. Delete them first.")
        case .modelInUse:
            Problem(
                .conflict, "model_in_use", "The model is used by applications. It can't be deleted before they change.")
        case .echoTakesNo(let field): .invalid(field, "can't be set for a provider of kind echo")
        case .versionExists:
            Problem(
                .conflict, "version_exists", "There is a version that takes effect at this very time; choose another.")
        case .versionInEffect:
            Problem(
                .conflict, "version_in_effect",
                "This version is in effect, or was, and stays in the history. Add a new one instead.")
        case .effectiveInPast: .invalid("effective_at", "must be in the future, or null for now")
        case .standardGroup:
            Problem(
                .conflict, "group_in_use",
                "The group standard is what every account falls back on; it can't be retired.")
        }
    }
}

extension ApplicationsError: PublicError {
    package var problem: Problem {
        switch self {
        case .accountClosed: Refusal.accountClosed
        case .notFound: .notFound
        case .limitReached:
            Problem(
                .conflict, "application_limit_reached",
                "The account has \(Application.limit) applications, the most it may have. Delete one first.")
        case .unknownModel(let field): .invalid(field, "names no model of this deployment")
        case .modelNotAmongAllowed: .invalid("allowed_models", "must contain the application's own model")
        case .repeatedModel(let index): .invalid("allowed_models[\(index)]", "comes twice")
        }
    }
}

extension AdmissionError: PublicError {
    package var problem: Problem {
        switch self {
        case .noSuchApplication: .invalid("application_id", "names no application of this account")
        }
    }
}

extension CredentialsError: PublicError {
    package var problem: Problem {
        switch self {
        case .modelNotOfApplication(let index):
            .invalid("models[\(index)]", "is not among the models that the application may use")
        case .dailyRotationLimitReached(let limit, let seconds):
            Problem(
                .tooManyRequests, "daily_rotation_limit_reached",
                "The account has rotated keys \(limit) times today, the most it may in one UTC day; the next day begins in "
                    + "\(seconds) seconds."
            ).with(.retryAfter, String(seconds))
        case .rotationInProgress(let end):
            Problem(
                .conflict, "rotation_in_progress",
                "An older secret of this key works until \(end.rfc3339). Retire it first, or rotate with overlap_seconds 0, "
                    + "which ends every older secret at once.")
        case .nothingToRetire:
            Problem(.conflict, "nothing_to_retire", "The key has one secret, and that is the current one.")
        case .revealableForbidden:
            Problem(
                .conflict, "revealable_forbidden", "The account's key policy forbids keys that can be shown again.")
        case .revealKeyMissing:
            Problem(
                .conflict, "reveal_key_missing",
                "No root user of this account can open a copy yet. Sign in once more with the password, then repeat the call."
            )
        case .shownOnce:
            Problem(
                .conflict, "show_once",
                "This key was shown once, when it was made, and there is no copy. Rotate it for a new secret.")
        case .copyLost:
            Problem(
                .conflict, "reveal_lost",
                "The copy of this key was lost when a password was reset: nothing opens it any more. Rotate the key for a "
                    + "new secret.")
        case .noCopyForUser:
            Problem(
                .conflict, "reveal_unavailable",
                "There is no copy of this key that your password opens. Copies are made for those who are root users when the "
                    + "secret is made, and lost with a forgotten password.")
        case .notFound: .notFound
        case .noSuchApplication: .invalid("application_id", "names no application of this account")
        case .expiryInPast: .invalid("expired_at", "must be in the future, or null for never")
        case .unknownGroup: .invalid("group", "names no pricing group that this account may choose")
        case .capReached(let cap):
            Problem(
                .conflict, "credential_cap_reached",
                "The account has \(cap) keys, the most it may have. Delete one first.")
        case .dailyLimitReached(let limit, let seconds):
            Problem(
                .tooManyRequests, "daily_creation_limit_reached",
                "The account has created \(limit) keys today, the most it may in one UTC day. Deleting keys does not "
                    + "give a creation back; the next day begins in \(seconds) seconds."
            ).with(.retryAfter, String(seconds))
        case .confirmationRequired(let keys):
            Problem(
                .conflict, "confirmation_required",
                "The application still has \(keys) key\(keys == 1 ? "" : "s"). Deleting it deletes them for ever, and "
                    + "every program that uses one stops working. To confirm, repeat the call with ?delete_credentials=true."
            )
        case .closingUnconfirmed(let keys, let users):
            Problem(
                .conflict, "confirmation_required",
                "The account still has \(keys) key\(keys == 1 ? "" : "s") and \(users) user\(users == 1 ? "" : "s"). "
                    + "Closing it ends them for ever. To confirm, repeat the call with ?confirmed=true.")
        }
    }
}

extension MeteringError: PublicError {
    package var problem: Problem {
        switch self {
        case .noSuchAccount: .notFound
        case .balanceTooLarge:
            Problem(
                .conflict, "balance_too_large",
                "The sum would be more than \(Credits.most.decimal) credits, the most there can be.")
        case .balanceTooSmall(let available):
            Problem(
                .conflict, Denial.insufficientCredits.rawValue,
                "The account has \(available.decimal) credits that are neither spent nor held, so no more can be taken away."
            )
        case .holdNotOpen: .internalError
        case .tooManyRows(let limit):
            tooManyRows(limit)
        }
    }

    private func tooManyRows(_ limit: Int) -> Problem {
        var problem = Problem(
            .badRequest, "too_many_rows",
            "The report has more than \(limit) lines. Ask for fewer days, or tell less apart.")
        problem.fields = [InvalidField("by", "must give a report of at most \(limit) lines")]
        return problem
    }
}
