/// Why something about accounts and people can't be done as asked.
package enum AccountsError: Error, Sendable, Equatable {
    case notFound
    /// The account is closed, for good.
    case accountClosed
    /// Nobody closes the account that they are in.
    case ownAccount
    case alreadySetUp
    case emailTaken
    case invitationInvalid
    case resetInvalid
    case signInFailed
    /// The password was right; a code has to come with it.
    case secondFactorRequired
    /// The session has ended meanwhile.
    case sessionEnded
    case lastRootUser
    case userLimitReached
    case lastAdmin
    case adminOnly
    /// Only they may do this, no operator.
    case accountHasUsers
    case secondFactorSet
    case noSecondFactor
    case noEnrolment
    case wrongCode
    case tooManyAttempts(retryAfterSeconds: Int)
    case weakPassword(String)
    case expiryInPast
    case tokenLimitReached
    case adminScopes([Scope])
    case rootScopes([Scope])
    case unknownGroup(field: String)
}
