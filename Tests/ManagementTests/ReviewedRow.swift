import Accounts
import Foundation
import JSON
import Values

/// A row of `fixtures/authorization.json`: what each kind of caller is answered, as it was reviewed.
struct ReviewedRow: Sendable {
    /// What only HTTP can tell apart: an app's key is no caller here, and a request without a CSRF token never comes
    /// in.
    private static let ofHTTP: Set<String> = ["key of the app", "key of another app", "root without CSRF token"]

    let operation: String
    private let cells: JSONObject

    var columns: Set<String> {
        Set(cells.members.map(\.name.string)).subtracting(["operation", "request"]).subtracting(Self.ofHTTP)
    }

    /// `allowed`, or the code of the refusal; `nil` where the row says nothing of such a caller.
    func outcome(for asker: MatrixAsker) -> String? {
        guard let scope = asker.scope else { return cells[asker.column]?.string.map { Self.code($0.string) } }
        // By outcome: a list of scopes, or a word for all that are in no list.
        let groups = cells[asker.column]?.object?.members ?? []
        let named = groups.first { $0.value.array?.contains(.string(scope.rawValue)) == true }
        return (named ?? groups.first { $0.value.string != nil }).map { Self.code($0.name.string) }
    }

    /// The status before the code is HTTP's.
    private static func code(_ outcome: String) -> String {
        outcome.split(separator: " ").last.map(String.init) ?? outcome
    }

    /// Those of the management API.
    static func all() throws -> [ReviewedRow] {
        var repository = URL(filePath: #filePath)
        for _ in 0..<3 { repository.deleteLastPathComponent() }
        let file = repository.appending(path: "fixtures/authorization.json")
        let rows = try JSON.parse(Data(contentsOf: file)).array ?? []
        return rows.compactMap(\.object).compactMap { row in
            guard let operation = row["operation"]?.string?.string, let request = row["request"]?.string?.string,
                request.split(separator: " ").last?.hasPrefix("/api/") == true
            else { return nil }
            return ReviewedRow(operation: operation, cells: row)
        }
    }
}
