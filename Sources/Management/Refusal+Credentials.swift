import Credentials
import Policy
import Values

extension CredentialsError {
    var refusal: Refusal {
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
