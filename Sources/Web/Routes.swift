package import HTTP
package import HTTPTypes
package import Hummingbird
import Values

/// The table of what is served. Every endpoint is declared through it, so that it can answer a wrong method with 405 and
/// be held against `openapi.yaml`.
package struct Routes {
    package typealias Handler = @Sendable (Request, WebContext) async throws -> Response

    package struct Entry: Hashable, Comparable, Sendable {
        package let method: String
        /// With parameters in braces, as OpenAPI writes them.
        package let path: String

        package init(method: String, path: String) {
            self.method = method
            self.path = path
        }

        package static func < (left: Entry, right: Entry) -> Bool {
            (left.path, left.method) < (right.path, right.method)
        }
    }

    package private(set) var entries: [Entry] = []
    private var handlers: [Handler] = []

    package init() {}

    package mutating func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        entries.append(Entry(method: method.rawValue, path: path))
        handlers.append(handler)
    }

    /// Serves the table, each call through `door` first.
    package func router(behind door: FrontDoor) -> Router<WebContext> {
        let router = Router(context: WebContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: door)
        for (entry, handler) in zip(entries, handlers) {
            guard let method = HTTPRequest.Method(entry.method) else { preconditionFailure("no method: \(entry)") }
            router.on(RouterPath(entry.path), method: method) { request, context in
                try await handler(request, context)
            }
        }
        return router
    }

    /// What each path takes.
    package var methods: MethodTable { MethodTable(entries) }
}

/// Which methods each served path takes: for the answer to a call that meets a path with a method that it doesn't have,
/// known (`PUT`) or not (`QUERY`).
package struct MethodTable: Sendable {
    /// One path, in parts; `nil` where any text may stand.
    private struct Template {
        let parts: [Text?]
        let methods: Set<String>

        func matches(_ path: [Text]) -> Bool {
            parts.count == path.count && zip(parts, path).allSatisfy { $0 == nil || $0 == $1 }
        }
    }

    private let templates: [Template]

    fileprivate init(_ entries: [Routes.Entry]) {
        templates = Dictionary(grouping: entries, by: \.path).map { path, entries in
            var methods = Set(entries.map(\.method))
            // HEAD comes with GET by the router's own option.
            if methods.contains("GET") { methods.insert("HEAD") }
            return Template(parts: Self.parts(path).map { $0.hasPrefix("{") ? nil : $0 }, methods: methods)
        }
    }

    /// The refusal of a method that a path does not take; `nil` for a path that is not served at all.
    package func refusal(at path: String) -> Problem? {
        let parts = Self.parts(path)
        // A path can be meant by two templates, `/sessions/current` and `/sessions/{session_id}`.
        let allowed = templates.filter { $0.matches(parts) }.reduce(into: Set<String>()) { $0.formUnion($1.methods) }
        return allowed.isEmpty ? nil : .methodNotAllowed(allowed)
    }

    private static func parts(_ path: String) -> [Text] { Text(path).split(on: "/").filter { !$0.isEmpty } }
}
