package import Values

/// What an account's list of keys is narrowed to.
package struct KeyFilter: Sendable {
    /// What the row of a key tells of its status without the credits that were used.
    package enum State: Sendable, CaseIterable {
        case expired
        case disabled
        /// Neither of both.
        case enabled
    }

    package var states: Set<State> = Set(State.allCases)
    package var application: Identifier?
    package var environment: KeyEnvironment?
    package var label: KeyLabel?
    package var search: KeySearch?

    package init(application: Identifier? = nil) { self.application = application }

    /// Whether the index of an order finds just the keys that pass.
    func isInIndex(of sort: KeySort) -> Bool {
        states.count == State.allCases.count && environment == nil && label == nil && search == nil
            && (application == nil || isByApplication(in: sort))
    }

    /// Whether there is an index of the keys of one app in this order.
    func isByApplication(in sort: KeySort) -> Bool { application != nil && sort.field == .creation }
}

/// A part of the name of a key, or of the hint or the public id of one of its secrets. Capitals of ASCII and small letters
/// are the same.
package struct KeySearch: FieldText, Hashable {
    /// In bytes.
    package static let longest = 100
    package static let rule = "must be 1 to 100 bytes without control characters or text-direction marks"
    package let text: String

    package init?(_ text: String) {
        guard (1...Self.longest).contains(text.utf8.count), text.unicodeScalars.allSatisfy(\.isPrintable) else {
            return nil
        }
        self.text = text
    }

    /// With the capitals of ASCII made small, as what is searched is.
    package var small: String { Text(text).lowercased.string }
}
