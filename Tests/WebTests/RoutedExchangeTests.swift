import NIOCore
import NIOEmbedded
import Testing

@testable import Web

@Suite("Requests that take turns")
struct RoutedExchangeTests {
    private let kitchen = Kitchen(perAddress: 1)

    private func connections(_ count: Int) async throws -> [NIOAsyncTestingChannel] {
        var made: [NIOAsyncTestingChannel] = []
        for _ in 0..<count { made.append(try await kitchen.connection()) }
        return made
    }

    @Test("the next of an address is begun when one is answered; others and probes don't wait")
    func inTurn() async throws {
        let all = try await connections(4)
        let other = try await kitchen.connection(from: "198.51.100.2")
        for (channel, path) in zip(all, ["/1", "/2", "/3", "/probe"]) { try await channel.ask(path) }
        try await other.ask("/other")
        let channels = all + [other]
        try await kitchen.comes(to: ["begun /1", "begun /probe", "begun /other"], channels)
        kitchen.open("/1")
        #expect(try await all[0].hear(until: "done /1").hasPrefix("HTTP/1.1 200"))
        try await kitchen.comes(to: ["begun /1", "begun /probe", "begun /other", "begun /2"], channels)
        for path in ["/2", "/3", "/probe", "/other"] { kitchen.open(path) }
        _ = try await all[2].hear(until: "done /3")
        #expect(kitchen.said.last == "begun /3")
        _ = try await all[3].hear(until: "done /probe")
        _ = try await other.hear(until: "done /other")
        #expect(kitchen.turns.owners == 0)
    }

    @Test("what has not begun when its caller leaves is never begun") func leaving() async throws {
        let all = try await connections(3)
        for (channel, path) in zip(all, ["/1", "/2", "/3"]) { try await channel.ask(path) }
        try await kitchen.comes(to: ["begun /1"], all)
        try await all[1].close()
        kitchen.open("/1")
        kitchen.open("/3")
        _ = try await all[2].hear(until: "done /3")
        #expect(kitchen.said == ["begun /1", "begun /3"])
        #expect(kitchen.turns.owners == 0)
    }

    @Test("who closes their half gets the answer to what has begun, and has left what has not")
    func halfClosing() async throws {
        let all = try await connections(3)
        for (channel, path) in zip(all, ["/1", "/2", "/3"]) { try await channel.ask(path) }
        try await kitchen.comes(to: ["begun /1"], all)
        for channel in all.prefix(2) {
            try await channel.testingEventLoop.executeInContext {
                channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            }
        }
        await all[1].testingEventLoop.run()
        #expect(!all[1].isActive && all[0].isActive)
        kitchen.open("/1")
        kitchen.open("/3")
        _ = try await all[0].hear(until: "done /1")
        _ = try await all[2].hear(until: "done /3")
        #expect(kitchen.said == ["begun /1", "begun /3"])
        #expect(kitchen.turns.owners == 0)
    }

    @Test("what has begun is done to its end, and has its turn until then") func leavingLate() async throws {
        let all = try await connections(2)
        for (channel, path) in zip(all, ["/1", "/2"]) { try await channel.ask(path) }
        try await kitchen.comes(to: ["begun /1"], all)
        try await all[0].close()
        await all[0].testingEventLoop.run()
        try await Task.sleep(for: .milliseconds(20))
        #expect(kitchen.said == ["begun /1"])
        kitchen.open("/1")
        try await kitchen.comes(to: ["begun /1", "begun /2"], all)
        kitchen.open("/2")
        _ = try await all[1].hear(until: "done /2")
        #expect(kitchen.turns.owners == 0)
    }

    @Test("who is slow to send a body has no turn until it is here") func slowBody() async throws {
        let all = try await connections(3)
        try await all[0].ask("/body", more: "Content-Length: 3\r\n")
        try await kitchen.comes(to: ["begun /body"], all)
        try await all[0].say("ab")
        try await all[1].ask("/1")
        try await kitchen.comes(to: ["begun /body", "begun /1"], all)
        try await all[0].say("c")
        try await Task.sleep(for: .milliseconds(20))
        #expect(kitchen.said == ["begun /body", "begun /1"])
        kitchen.open("/1")
        try await kitchen.comes(to: ["begun /body", "begun /1", "read /body"], all)
        // It has its turn again: nobody else of its address has one.
        try await all[2].ask("/2")
        try await Task.sleep(for: .milliseconds(20))
        #expect(kitchen.said.count == 3)
        for path in ["/body", "/2"] { kitchen.open(path) }
        _ = try await all[0].hear(until: "done /body")
        _ = try await all[2].hear(until: "done /2")
        #expect(kitchen.turns.owners == 0)
    }

    @Test("a body that came before its turn is read with it, and one that never comes whole is broken")
    func bodies() async throws {
        let all = try await connections(3)
        try await all[0].ask("/1")
        try await all[1].ask("/body", more: "Content-Length: 3\r\n")
        try await all[1].say("abc")
        try await all[2].ask("/body-2", more: "Content-Length: 3\r\n")
        try await kitchen.comes(to: ["begun /1"], all)
        kitchen.open("/1")
        try await kitchen.comes(to: ["begun /1", "begun /body", "read /body"], all)
        kitchen.open("/body")
        try await kitchen.comes(to: ["begun /1", "begun /body", "read /body", "begun /body-2"], all)
        try await all[2].close()
        try await kitchen.comes(
            to: ["begun /1", "begun /body", "read /body", "begun /body-2", "broken /body-2"], all)
        for _ in 0..<2000 where kitchen.turns.owners > 0 {
            await all[2].testingEventLoop.run()
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(kitchen.turns.owners == 0)
    }

    @Test("between two pieces of an answer it is another's turn") func pieces() async throws {
        let all = try await connections(3)
        try await all[0].ask("/1")
        try await all[1].ask("/stream")
        try await all[2].ask("/2")
        try await kitchen.comes(to: ["begun /1"], all)
        kitchen.open("/1")
        try await kitchen.comes(to: ["begun /1", "begun /stream", "begun /2"], all)
        try await Task.sleep(for: .milliseconds(20))
        #expect(kitchen.said.count == 3)
        kitchen.open("/2")
        _ = try await all[1].hear(until: "0\r\n\r\n")
        #expect(kitchen.said == ["begun /1", "begun /stream", "begun /2", "went on /stream"])
        #expect(kitchen.turns.owners == 0)
    }

    @Test("who waits longer than thirty seconds for a turn is told to come again") func tooLong() async throws {
        let all = try await connections(2)
        try await all[0].ask("/1")
        try await kitchen.comes(to: ["begun /1"], all)
        try await all[1].ask("/2")
        await all[1].testingEventLoop.advanceTime(by: .milliseconds(30_200))
        try await Task.sleep(for: .milliseconds(20))
        #expect(try await all[1].readOutbound(as: ByteBuffer.self) == nil)
        await all[1].testingEventLoop.advanceTime(by: .milliseconds(300))
        #expect(try await all[1].hear(until: "\r\n\r\n").hasPrefix("HTTP/1.1 503"))
        #expect(kitchen.said == ["begun /1"])
        kitchen.open("/1")
        _ = try await all[0].hear(until: "done /1")
        #expect(kitchen.turns.owners == 0)
    }
}
