import HTTP
import HTTPTypes
import Testing
import Web

@Suite("Methods of paths")
struct MethodTableTests {
    private var table: MethodTable {
        var routes = Routes()
        routes.on(.get, "/sessions/current") { _, _ in throw Problem.notFound }
        routes.on(.delete, "/sessions/{session_id}") { _, _ in throw Problem.notFound }
        routes.on(.post, "/sessions") { _, _ in throw Problem.notFound }
        return routes.methods
    }

    @Test(
        "what a path takes, by every template that it matches",
        arguments: [
            ("/sessions/current", "DELETE, GET, HEAD"), ("/sessions/x", "DELETE"), ("/sessions", "POST"),
            ("/sessions/", "POST"),
        ])
    func allowed(path: String, methods: String) {
        #expect(table.refusal(at: path)?.headers[.allow] == methods)
        #expect(table.refusal(at: path)?.status == .methodNotAllowed)
    }

    @Test("a path that is not served takes nothing", arguments: ["/", "", "/session", "/sessions/a/b", "/Sessions"])
    func absent(path: String) { #expect(table.refusal(at: path) == nil) }
}
