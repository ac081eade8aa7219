import NIOCore
import Testing

@testable import Gateway

@Suite("The first content of a stream")
struct FirstContentTests {
    /// What a stream turns out to be that comes in these chunks: the first finding that is one.
    private func finding(_ chunks: [[UInt8]]) -> FirstContent.Finding {
        var look = FirstContent()
        for chunk in chunks {
            let finding = look.look(ByteBuffer(bytes: chunk))
            if finding != .nothing { return finding }
        }
        return .nothing
    }

    private func finding(_ text: String) -> FirstContent.Finding { finding([Array(text.utf8)]) }

    private static let hello = #"data: {"choices":[{"index":0,"delta":{"content":"Hi 猫 \n"},"finish_reason":null}]}"#
    private static let role = #"data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#
    private static let failure = #"data: {"error":{"message":"no","type":"server_error"}}"#

    @Test(
        "what is content",
        arguments: [
            hello, #"data:{"choices":[{"delta":{"content":"x"}}]}"#,
            #"data: {"choices":[{"delta":{"content":" "}}]}"#,
            #"data: {"choices":[{"delta":{"role":"assistant","content":"x"}}]}"#,
            #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            #"data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            #"data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            #"data: {"choices":[{"delta":{"refusal":"no"}}]}"#,
            #"data: {"choices":[{"delta":{"content":[{"text":"x"}]}}]}"#,
            #"data: {"choices":[{"delta":{"content":""}},{"delta":{"content":"x"}}]}"#,
            #"data: {"choices":[{"text":"x"}]}"#, #"data: {"choices":["x"]}"#,
            #"data: {"error":null,"choices":[{"delta":{"content":"x"}}]}"#, #"data: {"output":"x"}"#,
            #"data: {"choices":"x"}"#, "data: [1]", "data: hello", "data: {", "data: null",
            "event: message\n" + hello, "id: 7\nretry: 10\n" + hello, hello + "\nevent: message",
            "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"x\"}}]}",
        ])
    func content(event: String) { #expect(finding(event + "\n\n") == .content) }

    @Test(
        "what is none yet",
        arguments: [
            role, ": ping", ":", "id: 7", "retry: 10", "event: ping", "data:", "data: ", "data", "",
            "datax: hello", "Data: hello", " data: hello", "dat: a", #"data: {"choices":[]}"#,
            #"data: {"choices":[],"usage":null,"prompt_filter_results":[]}"#, #"data: {"choices":[{"delta":{}}]}"#,
            #"data: {"choices":[{"delta":{"role":"assistant"},"finish_reason":null,"logprobs":null}]}"#,
            #"data: {"choices":[{"delta":{"content":null,"refusal":null,"tool_calls":[],"function_call":{}}}]}"#,
            "data: [DONE]",
        ])
    func nothing(event: String) {
        #expect(finding(event + "\n\n") == .nothing)
        #expect(finding(event + "\n\n" + Self.hello + "\n\n") == .content)
        #expect(finding(event + "\n\n" + Self.failure + "\n\n") == .error)
    }

    @Test(
        "what is an error",
        arguments: [
            failure, #"data: {"error":"no"}"#, #"data: {"error":{}}"#, #"data: {"id":1,"error":{"code":500}}"#,
            #"data: {"error":{"message":"no"},"choices":[{"delta":{"content":"x"}}]}"#,
            "event: error\ndata: whatever", "event: error\ndata: {\"message\":\"no\"}", "event:error", "event: error",
            "data: whatever\nevent: error", "event: error\n" + hello, #"data: {"object":"error","message":"no"}"#,
            "event: message\n" + failure, "data: {\"error\":\ndata: {\"message\":\"no\"}}",
        ])
    func error(event: String) { #expect(finding(event + "\n\n") == .error) }

    @Test("what comes first counts: content before an error is served, an error before content is not") func first() {
        let beginning = ": hello\n\n\(Self.role)\n\n"
        #expect(finding(beginning + Self.hello + "\n\n" + Self.failure + "\n\n") == .content)
        #expect(finding(beginning + Self.failure + "\n\n" + Self.hello + "\n\n") == .error)
        #expect(finding(beginning + beginning) == .nothing)
    }

    @Test("an event counts when the blank line has ended it") func unfinished() {
        #expect(finding(Self.hello) == .nothing)
        #expect(finding(Self.hello + "\n") == .nothing)
        #expect(finding(Self.failure + "\r\n") == .nothing)
        #expect(finding(Self.failure + "\r\n\r\n") == .error)
        #expect(finding("event: error\n") == .nothing)
    }

    @Test("lines end with LF, CR or both", arguments: ["\n", "\r", "\r\n"])
    func lineEnds(end: String) {
        let beginning = [": ping", "", Self.role, "", "", "event: message"].map { $0 + end }.joined()
        for (event, expected) in [(Self.hello, FirstContent.Finding.content), (Self.failure, .error)] {
            #expect(finding(beginning + event + end + end) == expected)
            #expect(finding(beginning + event + end) == .nothing)
        }
    }

    @Test("ends of lines of several kinds in one stream") func mixedEnds() {
        #expect(finding(": a\r\n\r: b\n\r\n\(Self.failure)\r\r\n") == .error)
        #expect(finding("event: error\r\n\n") == .error)
        #expect(finding("event: error\n\r") == .error)
        // CR LF is one end of a line, not a blank line after one.
        #expect(finding("event: error\r\ndata: x\r\n") == .nothing)
    }

    private static let streams: [(String, FirstContent.Finding)] = ["\n", "\r", "\r\n"].flatMap { end in
        [(hello, FirstContent.Finding.content), (failure, .error), (role, .nothing), ("data: [DONE]", .nothing)].map {
            (": 猫" + end + end + role + end + end + $0.0 + end + end, $0.1)
        }
    }

    @Test("wherever the network cuts it, a stream is the same", arguments: streams)
    func cuts(text: String, expected: FirstContent.Finding) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            #expect(finding([Array(bytes[..<cut]), Array(bytes[cut...])]) == expected, "cut at \(cut)")
        }
        #expect(finding(bytes.map { [$0] }) == expected)
        #expect(finding(bytes.flatMap { [[], [$0]] }) == expected)
    }

    @Test("the finding comes with the byte that ends the event, not later") func atOnce() {
        let bytes = Array((Self.role + "\n\n" + Self.hello + "\n\n").utf8)
        var look = FirstContent()
        for byte in bytes.dropLast() { #expect(look.look(ByteBuffer(bytes: [byte])) == .nothing) }
        #expect(look.look(ByteBuffer(bytes: bytes.suffix(1))) == .content)
    }

    @Test("what goes on for more than 64 KiB without content is content of some kind") func limit() {
        let comment = ": ping\n\n"
        let many = String(repeating: comment, count: FirstContent.limit / comment.utf8.count)
        #expect(many.utf8.count == FirstContent.limit)
        #expect(finding(many) == .nothing)
        #expect(finding(many + "\n") == .content)
        #expect(finding([Array(many.utf8), [UInt8(ascii: ":")]]) == .content)
        #expect(finding("data: " + String(repeating: "x", count: FirstContent.limit)) == .content)
        // What is seen on the way there still counts for what it is.
        #expect(finding(many + Self.failure + "\n\n") == .error)
        #expect(finding(String(repeating: comment, count: 100) + Self.failure + "\n\n") == .error)
    }

    @Test("a first chunk of nothing but short events is looked through in no time") func manyEvents() {
        let began = ContinuousClock.now
        #expect(finding(String(repeating: ":\n\n", count: 20_000)) == .nothing)
        #expect(finding(String(repeating: "\n", count: 60_000)) == .nothing)
        #expect(finding(String(repeating: "\r", count: 60_000)) == .nothing)
        #expect(finding(String(repeating: "data:\n", count: 10_000)) == .nothing)
        #expect(ContinuousClock.now - began < .seconds(5))
    }

    @Test("bytes that are no UTF-8 hide nothing after them") func notUTF8() {
        let bad: [UInt8] = Array(": ".utf8) + [0xFF, 0xC3, 0xE7, 0x8C] + Array("\n\n".utf8)
        #expect(finding([bad + Array((Self.failure + "\n\n").utf8)]) == .error)
        #expect(finding([bad + Array((Self.role + "\n\n").utf8)]) == .nothing)
        #expect(finding([Array("data: ".utf8) + [0xFF] + Array("\n\n".utf8)]) == .content)
    }
}
