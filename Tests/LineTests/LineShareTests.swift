import Testing
import Values

@testable import Line

@Suite("Shares of connections and of received bytes")
struct LineShareTests {
    private static let large = String(repeating: "x", count: 70_000)

    @Test("one address may not have all connections, and gives them back") func connections() throws {
        let first = try Conversation(from: "198.51.100.1", connections: 4, percent: 25)
        let second = try Conversation(from: "198.51.100.1", beside: first)
        let said1 = try second.hear()
        #expect(said1.hasPrefix("HTTP/1.1 503 "))
        #expect(!second.isOpen)
        let next1 = try Conversation(from: "198.51.100.2", beside: first)
        #expect(next1.isOpen)
        first.leave()
        let next2 = try Conversation(from: "198.51.100.1", beside: first)
        #expect(next2.isOpen)
    }

    @Test("a customer's network of IPv6 is one address") func networks() throws {
        let first = try Conversation(from: "2001:db8::1", connections: 4, percent: 25)
        let more = try Conversation(from: "2001:db8::2", beside: first)
        #expect(!more.isOpen)
        let next3 = try Conversation(from: "2001:db8:0:1::1", beside: first)
        #expect(next3.isOpen)
    }

    @Test("the account and the key of a call have connections as well, until another key calls or it closes")
    func callers() throws {
        func key(_ number: Int64) -> ShareOwner { .key(Identifier(number: number)) }
        let first = try Conversation(from: "198.51.100.1", connections: 4, percent: 25)
        try first.say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(first.host.served[0].line.connect(for: [key(1)]))
        let second = try Conversation(from: "198.51.100.2", beside: first)
        try second.say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(!first.host.served[1].line.connect(for: [key(1)]))
        // It ends with the answer to this.
        first.host.served[1].answer("no")
        #expect(try second.hear().contains("Connection: close"))
        // Another key has its own, and takes the connection from the first.
        #expect(first.host.served[0].line.connect(for: [key(2)]))
        let third = try Conversation(from: "198.51.100.3", beside: first)
        try third.say("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(first.host.served[2].line.connect(for: [key(1)]))
        third.leave()
        first.leave()
        #expect(first.lines.connections.owners <= 1)
    }

    @Test("a trusted proxy has as many as there are") func proxy() throws {
        let first = try Conversation(from: "10.0.0.1", trusting: ["10.0.0.0/8"], connections: 3, percent: 25)
        let others = try (0..<2).map { _ in try Conversation(from: "10.0.0.1", beside: first) }
        for other in others { #expect(other.isOpen) }
        let more = try Conversation(from: "10.0.0.1", beside: first)
        #expect(!more.isOpen)
    }

    @Test("bytes that are received count for the client, until the message is answered") func receiving() throws {
        let first = try Conversation(from: "198.51.100.1", receiving: 280_000, percent: 25)
        try first.say(.post(200_000, Self.large))
        let said2 = try first.hear()
        #expect(said2 == "")
        // The second of the same address has none left; another has.
        let second = try Conversation(from: "198.51.100.1", beside: first)
        try second.say(.post(200_000, Self.large))
        let said3 = try second.hear()
        #expect(said3.hasPrefix("HTTP/1.1 503 "))
        let other = try Conversation(from: "198.51.100.2", beside: first)
        try other.say(.post(200_000, Self.large))
        let said4 = try other.hear()
        #expect(said4 == "")
        #expect(first.lines.receiving.taken == 140_000)
        // The hosts of those beside are the first one's.
        first.host.served[0].answer("x")
        other.leave()
        #expect(first.lines.receiving.taken == 0)
    }

    @Test("a small body counts for nobody") func small() throws {
        let talk = try Conversation(receiving: 1)
        try talk.say(.post(1000, String(repeating: "x", count: 1000)))
        #expect(talk.host.served[0].heard == ["body 1000", "whole"])
    }

    @Test("the account and the key count too, once they are known") func owners() throws {
        let account = ShareOwner.account(Identifier(at: Timestamp(microseconds: 0), random: (1, 2)))
        let first = try Conversation(from: "198.51.100.1", receiving: 280_000, percent: 25)
        try first.say(.post(200_000, Self.large))
        #expect(first.host.served[0].line.receive(for: [account]))
        #expect(first.lines.receiving.taken == 70_000)
        let second = try Conversation(from: "198.51.100.2", beside: first)
        try second.say(.post(200_000))
        #expect(first.host.served[1].line.receive(for: [account]))
        try second.say(Self.large)
        let said5 = try second.hear()
        #expect(said5.hasPrefix("HTTP/1.1 503 "))
        first.leave()
        #expect(first.lines.receiving.taken == 0 && first.lines.receiving.owners == 0)
    }

    @Test("the client is whom a trusted proxy names, message by message") func clients() throws {
        let talk = try Conversation(from: "10.0.0.1", trusting: ["10.0.0.0/8"])
        for (said, client) in [("203.0.113.7", "203.0.113.7"), ("x", nil), ("[2001:db8::7]:4711", "2001:db8::7")] {
            try talk.say("GET /a HTTP/1.1\r\nHost: x\r\nX-FORWARDED-For: \(said)\r\n\r\n")
            let served = try #require(talk.host.served.last)
            #expect(served.line.client?.description == client)
            served.answer("x")
        }
        let stranger = try Conversation(from: "203.0.113.9")
        try stranger.say("GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n")
        #expect(stranger.host.served[0].line.client?.description == "203.0.113.9")
    }
}
