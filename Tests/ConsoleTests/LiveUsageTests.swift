import Accounts
import HTTPTypes
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The usage page moves")
struct LiveUsageTests {
    private let world: CalledAccount
    private var router: ConsoleRouter { world.router }

    init() async throws { world = try await CalledAccount() }

    private func mark() async throws -> String {
        let event = try await router.get(Console.livePath)
        #expect(event.status == 200 && event.headers[.contentType] == "text/event-stream")
        #expect(event.headers[.cacheControl] == "no-store")
        let lines = event.html.split(separator: "\n")
        #expect(lines.first == "retry: 1000" && event.html.hasSuffix("\n\n"))
        return String(try #require(lines.last).dropFirst("data: ".count))
    }

    @Test("an event says another mark when there is another figure, and the same otherwise") func marks() async throws {
        try await router.signIn(world.root)
        let first = try await mark()
        #expect(try await mark() == first)
        #expect(try await router.get("/console/usage").html.contains("data-mark=\"\(first)\""))
        try await world.call("one more")
        let second = try await mark()
        #expect(second != first)
        try world.set("2026-07-16T00:00:00Z")
        try await router.signIn(world.root)
        #expect(try await mark() != second)
    }

    @Test("who is not signed in, or no longer, is told nothing, and not to come back") func ended() async throws {
        let event = try await router.get(Console.livePath)
        #expect(event.status == 204 && event.html.isEmpty)
    }
}
