import HTTP
import NIOCore
import Policy
import Values
import Wire

/// What an address of the data plane stands for: an operation and, where the address names one, its app.
struct GatewayRoute: Sendable {
    enum Operation: String, CaseIterable {
        case chatCompletion = "/chat/completions"
        case models = "/models"
        case usage = "/usage"

        var method: RequestMethod { self == .chatCompletion ? .post : .get }
    }

    enum App: Equatable {
        /// The key alone selects it.
        case ofTheKey
        case named(Identifier)
        /// An address that is no identifier at all is some other app's as well: one answer for all that isn't this app.
        case other
    }

    let operation: Operation
    let app: App

    /// The app that a key must open to be let in here; `nil` when any may. To be asked once the key is known to be genuine.
    var application: Identifier? {
        get throws(Denial) {
            switch app {
            case .ofTheKey: nil
            case .named(let id): id
            case .other: throw .wrongApp
            }
        }
    }

    /// As the log names it: never the address itself, which a caller fills as they like.
    var template: String { (app == .ofTheKey ? "/v1" : "/apps/{application_id}/v1") + operation.rawValue }

    /// `nil` for what is no operation of the data plane.
    init?(path: ByteBufferView) {
        // As nearly every call begins.
        if path.elementsEqual("/v1/chat/completions".utf8) {
            self.init(.chatCompletion, .ofTheKey)
            return
        }
        guard path.count <= 200 else { return nil }
        let parts = Text(decoding: path).split(on: "/").filter { !$0.isEmpty }
        let isApp = parts.first == "apps" && parts.count > 2 && parts[2] == "v1"
        guard isApp || parts.first == "v1" else { return nil }
        let rest = "/" + parts.dropFirst(isApp ? 3 : 1).map(\.string).joined(separator: "/")
        guard let operation = Operation.allCases.first(where: { Text($0.rawValue) == Text(rest) }) else { return nil }
        self.init(operation, isApp ? Identifier(parts[1]).map(App.named) ?? .other : .ofTheKey)
    }

    private init(_ operation: Operation, _ app: App) {
        self.operation = operation
        self.app = app
    }
}

extension GatewayRoute {
    /// Every route, for whoever holds them against `openapi.yaml`.
    static var all: [(method: String, path: String)] {
        Operation.allCases.flatMap { operation in
            ["/v1", "/apps/{application_id}/v1"].map { (operation.method.rawValue, $0 + operation.rawValue) }
        }
    }

    /// Whether a path belongs to the data plane, and so speaks its dialect also where nothing is served: by where it
    /// begins, or because a client means one of its operations with it.
    static func isOurs(_ path: ByteBufferView) -> Bool {
        if path.starts(with: "/v1/".utf8) || path.starts(with: "/apps/".utf8) { return true }
        // No operation is meant by what begins otherwise than the part of an address, or than an operation.
        guard path.count <= 200, let first = path.dropFirst().first, "vacmu/".utf8.contains(first) else { return false }
        let parts = parts(Text(decoding: path))
        return parts.first == "v1" || parts.first == "apps" || meant(by: parts) != nil
    }

    /// What to say where the data plane serves nothing.
    static func absence(at path: ByteBufferView) -> Problem {
        var problem = Problem.notFound
        let hint =
            if let meant = meant(by: parts(Text(decoding: path.prefix(200)))) {
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
        let operations = Operation.allCases.map { Self.parts(Text($0.rawValue)) }
        guard let operation = operations.first(where: { rest.suffix($0.count).elementsEqual($0) }),
            rest.dropLast(operation.count).allSatisfy({ ["v1", "chat", "completions"].contains($0) })
        else { return nil }
        let base = app.map { "/apps/\($0)/v1/" } ?? "/v1/"
        return base + operation.map(\.string).joined(separator: "/")
    }

    private static func parts(_ path: Text) -> [Text] { path.split(on: "/").filter { !$0.isEmpty } }
}
