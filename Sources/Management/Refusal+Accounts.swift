import Accounts
import Values

extension AccountsError {
    var refusal: Refusal {
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
