import Database
import Secrets
import Values

/// How the terms and the secrets of a key stand in a row.
extension Row {
    func tokenID(_ column: String) throws -> TokenID {
        guard let id = TokenID(try text(column)) else { throw DatabaseFailure.malformedRow(column: column) }
        return id
    }

    /// Texts with blanks between them, none of which has one.
    func words(_ column: String) throws -> [String]? {
        try optionalText(column)?.split(separator: " ").map(String.init)
    }

    func addresses(_ column: String) throws -> [AddressBlock]? {
        try words(column)?.map { word in
            guard let block = AddressBlock(word) else { throw DatabaseFailure.malformedRow(column: column) }
            return block
        }
    }

    func host(_ column: String) throws -> HostName? {
        try optionalText(column).map { text in
            guard let host = HostName(text) else { throw DatabaseFailure.malformedRow(column: column) }
            return host
        }
    }
}
