package import Values

/// Which entries of the ledger are asked for: those of one account that everything here lets through.
package struct LedgerFilter: Sendable {
    package var account: Identifier
    package var kind: LedgerEntry.Kind?
    package var credential: Identifier?
    package var application: Identifier?
    /// The public name of a model.
    package var model: String?
    /// The first moment that counts.
    package var from: Timestamp?
    /// The first moment that does not count any more.
    package var until: Timestamp?

    package init(account: Identifier, kind: LedgerEntry.Kind? = nil, credential: Identifier? = nil) {
        self.account = account
        self.kind = kind
        self.credential = credential
    }

    /// Whether it asks for some calls. A grant or an adjustment is of none.
    var isOfCalls: Bool { credential != nil || application != nil || model != nil }
    var hasCharges: Bool { kind == nil || kind == .charge }
    var hasCorrections: Bool { kind != .charge && !isOfCalls }

    /// What a statement compares with; empty for everything.
    var credentialText: String { credential?.description ?? "" }
    var applicationText: String { application?.description ?? "" }
    var modelText: String { model ?? "" }

    var times: Range<Timestamp> {
        let from = from ?? .earliest
        return from..<max(from, until ?? .latest)
    }
}

/// Between which numbers all entries of some times are. Not all that are there are of those times, when the clock was once
/// set back: a number never is behind its time, but may be ahead.
struct LedgerSpan: Equatable {
    /// The least number.
    let least: Int64
    /// The first one that is too great.
    let bound: Int64

    /// - Parameter ahead: by how many microseconds a number is ahead of its time, at most.
    init(_ times: Range<Timestamp>, ahead: Int64) {
        least = times.lowerBound == .earliest ? 0 : EntryIDs.least(at: times.lowerBound)
        let (end, isOver) = times.upperBound.microseconds.addingReportingOverflow(ahead)
        let milliseconds = isOver ? .max : end / 1000 + (end % 1000 > 0 ? 1 : 0)
        bound =
            milliseconds < 1 << (63 - Int64(Identifier.serialBits))
            ? max(0, milliseconds) << Int64(Identifier.serialBits) : .max
    }
}
