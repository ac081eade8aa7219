package import Values

/// One sign-in.
package struct Session: Sendable {
    package var id: Identifier
    /// The end, whatever happens.
    package var expiresAt: Timestamp
    /// The end, unless it is used before.
    package var idleExpiresAt: Timestamp
    /// When the person last proved who they are.
    package var provedAt: Timestamp
    /// Until when what was proved at the sign-in, or since, stands for the person.
    package var freshUntil: Timestamp
    /// What a page must send back in a header with every call that changes something.
    package var csrfToken: String

    /// How long a proof stands.
    package static let freshness: Duration = .seconds(300)

    /// Whether who they are was proved a short time ago. What was proved in the future, by a clock that was ahead, was
    /// not.
    package func isFresh(at now: Timestamp) -> Bool { provedAt <= now && now < freshUntil }
}

/// A session as its user sees it in a list.
package struct SessionSummary: Sendable {
    /// How many a user may have; the oldest makes room.
    package static let limit = 50

    package var id: Identifier
    package var createdAt: Timestamp
    /// To a tenth of the time after which it goes idle.
    package var lastSeenAt: Timestamp
    package var expiresAt: Timestamp
}
