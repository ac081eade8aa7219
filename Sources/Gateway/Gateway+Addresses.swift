package import HTTP
import Values

extension Gateway {
    private static let operations: [[Text]] = [["chat", "completions"], ["models"], ["usage"]]

    /// Whether a path belongs to the data plane, and so speaks its dialect also where nothing is served: by where it
    /// begins, or because a client means one of its operations with it.
    package static func serves(path: String) -> Bool {
        // As nearly every path begins.
        if path.utf8.starts(with: "/v1/".utf8) || path.utf8.starts(with: "/apps/".utf8) { return true }
        let parts = parts(path)
        return parts.first == "v1" || parts.first == "apps" || meant(by: parts) != nil
    }

    /// What to say where the data plane serves nothing; `nil` for a path that isn't its own.
    package static func absence(at path: String) -> Problem? {
        guard serves(path: path) else { return nil }
        var problem = Problem.notFound
        let hint =
            if let meant = meant(by: parts(path)) {
                "The operation is at \(meant): the base URL of a client ends in /v1, once."
            } else {
                "This server has POST /v1/chat/completions, GET /v1/models and GET /v1/usage, and the same under "
                    + "/apps/{application_id}."
            }
        problem.detail += " " + hint
        return problem
    }

    /// The address of the operation that a path ends in, when what stands before it is the part of an address again,
    /// or missing: clients put the operation behind whatever base URL they are given.
    private static func meant(by parts: [Text]) -> String? {
        let app = parts.count > 2 && parts[0] == "apps" ? Identifier(parts[1]) : nil
        let rest = app == nil ? parts[...] : parts[2...]
        guard let operation = operations.first(where: { rest.suffix($0.count).elementsEqual($0) }),
            rest.dropLast(operation.count).allSatisfy({ ["v1", "chat", "completions"].contains($0) })
        else { return nil }
        let base = app.map { "/apps/\($0)/v1/" } ?? "/v1/"
        return base + operation.map(\.string).joined(separator: "/")
    }

    private static func parts(_ path: String) -> [Text] { Text(path).split(on: "/").filter { !$0.isEmpty } }
}
