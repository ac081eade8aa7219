package import Values

/// Why something about keys can't be done as asked.
package enum CredentialsError: Error, Sendable, Equatable {
    case notFound
    case noSuchApplication
    case expiryInPast
    case unknownGroup
    /// The app's own list of models does not have it.
    case modelNotOfApplication(index: Int)
    case capReached(Int)
    case dailyLimitReached(Int, retryAfterSeconds: Int)
    case dailyRotationLimitReached(Int, retryAfterSeconds: Int)
    /// An older secret still works, until this time.
    case rotationInProgress(until: Timestamp)
    case nothingToRetire
    case revealableForbidden
    /// No root user has a pair of keys yet.
    case revealKeyMissing
    case shownOnce
    case copyLost
    /// There is a copy, but none for this user.
    case noCopyForUser
    /// The app still has this many keys, live or expired.
    case confirmationRequired(keys: Int)
    /// The account still has so many keys, live or expired, and people.
    case closingUnconfirmed(keys: Int, users: Int)
}
