package import GRDB

/// What can go wrong below a use case. Its texts are for the log and for the person who starts the server; none of them
/// goes to a client.
package enum DatabaseFailure: Error, Sendable, Equatable {
    /// A row with this unique value exists already.
    case notUnique
    /// A row is still referred to, or refers to one that is absent.
    case foreignKey
    /// A `CHECK` or `NOT NULL` of the schema said no: a rule above let something through.
    case constraint
    /// Too much is waiting, or waited too long.
    case overloaded
    /// The file holds migrations that this release does not know.
    case newerVersion(String)
    /// The file lacks a migration of this release, and is only to be read.
    case olderVersion(String)
    /// The engine does not give what the product promises.
    case unsafe(String)
    /// A row is not what its table's owner wrote.
    case malformedRow(column: String)
    /// Anything else: the engine's result code, without SQL text or values.
    case engine(code: Int32)

    package init(_ error: DatabaseError) {
        self =
            switch error.extendedResultCode {
            case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY: .notUnique
            case .SQLITE_CONSTRAINT_FOREIGNKEY: .foreignKey
            case let code where code.primaryResultCode == .SQLITE_CONSTRAINT: .constraint
            case let code where code.primaryResultCode == .SQLITE_BUSY: .overloaded
            case let code: .engine(code: code.rawValue)
            }
    }

    /// Whether the disk failed to make a write durable, so that nobody can tell what of it is there.
    var isLostWrite: Bool {
        guard case .engine(let code) = self else { return false }
        return [ResultCode.SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC].map(\.rawValue).contains(code)
    }

    /// Whether the engine could not write: the disk is full, gone or broken. Nothing of the write is there.
    package var isRefusedWrite: Bool {
        guard case .engine(let code) = self else { return false }
        return [ResultCode.SQLITE_FULL, .SQLITE_IOERR].contains(ResultCode(rawValue: code).primaryResultCode)
    }

    /// Engine errors become failures; errors of the domain pass as they are.
    static func translate(_ error: any Error) -> any Error {
        if let error = error as? DatabaseError { return DatabaseFailure(error) }
        return error
    }
}
