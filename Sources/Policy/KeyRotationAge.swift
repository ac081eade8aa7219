package import Values

/// How old the secret of a key may get before its account wants it rotated. It stops no call.
package struct KeyRotationAge: Sendable, Equatable {
    /// In days.
    package static let range = 1...3650
    package static let standard = KeyRotationAge(days: 180)

    package let days: Int

    /// `nil` outside of 1…3650 days.
    package init?(_ days: Int) {
        guard Self.range.contains(days) else { return nil }
        self.days = days
    }

    private init(days: Int) { self.days = days }

    /// When a secret that was made at a time is due for rotation.
    package func end(from creation: Timestamp) -> Timestamp { creation.adding(.seconds(days * 86_400)) }
}
