import Database
package import Values

/// How far the charge log is folded, for its operators.
package struct LogState: Sendable, Equatable {
    /// So many charges that are not folded ask for the next fold at once.
    package static let urgent = Folding.urgent

    /// Charges that are on disk and not in the totals yet.
    package let unfolded: Int64
    /// The latest time that any folded entry was recorded under.
    package let recorded: Timestamp
}

extension Metering {
    package func logState() async throws -> LogState {
        try await database.read { connection in
            let mark = try FoldTable.mark(connection)
            return LogState(
                unfolded: try ChargeTable.count(after: mark.position, connection),
                recorded: Timestamp(microseconds: (mark.number >> Int64(Identifier.serialBits)) * 1000))
        }
    }
}
