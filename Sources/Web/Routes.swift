import HTTP
package import HTTPTypes
package import Hummingbird

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

    package let router: Router<WebContext>
    package private(set) var entries: [Entry] = []

    /// Middleware must be on the router before the first route is declared.
    package init(router: Router<WebContext>) { self.router = router }

    package mutating func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        entries.append(Entry(method: method.rawValue, path: path))
        router.on(RouterPath(path), method: method) { request, context in try await handler(request, context) }
    }

    /// Gives every declared path an answer to the methods that it doesn't have. Call it once, last.
    package func refuseOtherMethods() {
        for (path, entries) in Dictionary(grouping: entries, by: \.path) {
            var allowed = Set(entries.map(\.method))
            // HEAD comes with GET by the router's own option.
            if allowed.contains("GET") { allowed.insert("HEAD") }
            let problem = Problem(.methodNotAllowed, "method_not_allowed", "This address does not take this method.")
                .with(.allow, allowed.sorted().joined(separator: ", "))
            for method in Self.methods where !allowed.contains(method.rawValue) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in throw problem }
            }
        }
    }

    private static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
    ]
}
