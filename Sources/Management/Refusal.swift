package import Accounts
import Database
import Metering
import Secrets
package import Values

/// Why an operation was not done: one closed list of stable codes, and a public sentence that helps to do it right.
///
/// No secret and no inner detail is in it. ``cause`` is for the log alone.
package struct Refusal: Error, Sendable {
    /// Programs switch on these; the console has a text for each in each language.
    package enum Code: String, Sendable, CaseIterable {
        case invalidRequest = "invalid_request"
        case tooManyRows = "too_many_rows"
        // Who asks
        case unauthenticated
        case sessionRequired = "session_required"
        case reauthenticationRequired = "reauthentication_required"
        case rootOnly = "root_only"
        case adminOnly = "admin_only"
        case insufficientScope = "insufficient_scope"
        case signInFailed = "sign_in_failed"
        case secondFactorRequired = "second_factor_required"
        case tooManyAttempts = "too_many_attempts"
        case tooManyChanges = "too_many_changes"
        case tooManyTests = "too_many_tests"
        case setupTokenInvalid = "setup_token_invalid"
        case invitationInvalid = "invitation_invalid"
        case resetInvalid = "reset_invalid"
        // What is there
        case notFound = "not_found"
        case alreadySetUp = "already_set_up"
        case emailTaken = "email_taken"
        case lastRootUser = "last_root_user"
        case lastAdmin = "last_admin"
        case ownAccount = "own_account"
        case accountClosed = "account_closed"
        case accountHasUsers = "account_has_users"
        case userLimitReached = "user_limit_reached"
        case secondFactorSet = "second_factor_set"
        case noSecondFactor = "no_second_factor"
        case noEnrolment = "no_enrolment"
        case platformTokenLimitReached = "platform_token_limit_reached"
        case nameTaken = "name_taken"
        case providerInUse = "provider_in_use"
        case modelInUse = "model_in_use"
        case versionExists = "version_exists"
        case versionInEffect = "version_in_effect"
        case previewOutdated = "preview_outdated"
        case groupInUse = "group_in_use"
        case applicationLimitReached = "application_limit_reached"
        case credentialCapReached = "credential_cap_reached"
        case dailyCreationLimitReached = "daily_creation_limit_reached"
        case dailyRotationLimitReached = "daily_rotation_limit_reached"
        case rotationInProgress = "rotation_in_progress"
        case nothingToRetire = "nothing_to_retire"
        case revealableForbidden = "revealable_forbidden"
        case revealKeyMissing = "reveal_key_missing"
        case showOnce = "show_once"
        case revealLost = "reveal_lost"
        case revealUnavailable = "reveal_unavailable"
        case confirmationRequired = "confirmation_required"
        case balanceTooLarge = "balance_too_large"
        case insufficientCredits = "insufficient_credits"
        case idempotencyInFlight = "idempotency_in_flight"
        case idempotencyKeyReused = "idempotency_key_reused"
        case idempotencyNotReplayable = "idempotency_not_replayable"
        // What the server can't do right now
        case callerLeft = "caller_left"
        case overloaded
        case storageFailed = "storage_failed"
        case internalError = "internal_error"
    }

    package let code: Code
    package let sentence: String
    /// The fields that broke a rule.
    package private(set) var fields: [InvalidField] = []
    /// In how many seconds to try again, where that helps.
    package private(set) var retryAfter: Int?
    /// The one that was missing, for ``Code/insufficientScope``.
    package private(set) var scope: Scope?
    /// For ``Code/unauthenticated``: whether there was a credential, which was no good.
    package private(set) var isPresented = false
    /// What failed inside, for the log.
    package private(set) var cause: (any Error)?

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    private init(_ code: Code, _ sentence: String, cause: any Error) {
        self.init(code, sentence)
        self.cause = cause
    }

    func retrying(after seconds: Int) -> Refusal {
        var copy = self
        copy.retryAfter = seconds
        return copy
    }
}

extension Refusal: CustomStringConvertible {
    /// For the log: what failed inside, or the code. A foreign error is named by its type alone, because its content could
    /// hold what a caller sent.
    package var description: String {
        switch cause {
        case nil: code.rawValue
        case let cause as DatabaseFailure: "\(cause)"
        case let cause as Argon2Failure: "\(cause)"
        case let cause as MeteringError: "\(cause)"
        case let cause?: "\(type(of: cause))"
        }
    }
}

// MARK: Those of this room

extension Refusal {
    static func invalid(_ field: String, _ rule: String) -> Refusal { invalid(InvalidField(field, rule)) }

    static func invalid(_ broken: InvalidField) -> Refusal {
        invalid(broken, .invalidRequest, "The field \(broken.field) \(broken.rule).")
    }

    static func invalid(_ broken: InvalidField, _ code: Code, _ sentence: String) -> Refusal {
        var refusal = Refusal(code, sentence)
        refusal.fields = [broken]
        return refusal
    }

    package static func unauthenticated(presented: Bool) -> Refusal {
        var refusal = Refusal(
            .unauthenticated,
            presented
                ? "The platform token or session is not valid. An app's key does not work here."
                : "Sign in, or send a platform token as: Authorization: Bearer <token>.")
        refusal.isPresented = presented
        return refusal
    }

    static let notFound = Refusal(.notFound, "There is nothing at this address.")

    static let sessionRequired = Refusal(
        .sessionRequired, "Only a signed-in user may do this; a platform token may not.")

    static let reauthenticationRequired = Refusal(
        .reauthenticationRequired,
        "You must have proved who you are in the last five minutes: POST your password, and your code if you have a "
            + "second factor, to /api/v1/sessions/current/reauthentication, and repeat the call.")

    static let rootOnly = Refusal(.rootOnly, "This is for root users of the account.")

    static let adminOnly = Refusal(.adminOnly, "This is for admins of the deployment.")

    static func insufficientScope(_ scope: Scope) -> Refusal {
        var refusal = Refusal(
            .insufficientScope, "The platform token does not have the scope \(scope.rawValue).")
        refusal.scope = scope
        return refusal
    }

    static let accountClosed = Refusal(
        .accountClosed, "The account is closed, for good. Its ledger and its records can be read.")

    static func tooManyChanges(retryAfter seconds: Int) -> Refusal {
        Refusal(
            .tooManyChanges,
            "The account asks for more changes than it may in a minute. Try again in \(seconds) "
                + "second\(seconds == 1 ? "" : "s")."
        )
        .retrying(after: seconds)
    }

    static func tooManyTests(retryAfter seconds: Int) -> Refusal {
        Refusal(
            .tooManyTests,
            "The account asks for more tests of providers than it may in a minute. Try again in \(seconds) "
                + "second\(seconds == 1 ? "" : "s")."
        )
        .retrying(after: seconds)
    }

    static let overloaded = Refusal(
        .overloaded, "The server has too much to do right now; try again in a moment."
    ).retrying(after: 1)

    static func storageFailed(_ cause: any Error) -> Refusal {
        Refusal(
            .storageFailed,
            "The server can't write to its disk right now. Nothing of this request was done. Tell its operator.",
            cause: cause
        ).retrying(after: 10)
    }

    static let callerLeft = Refusal(.callerLeft, "The caller left.")

    static func internalError(_ cause: any Error) -> Refusal {
        Refusal(
            .internalError, "Something went wrong on the server; its log says what, under the request id.",
            cause: cause)
    }
}
