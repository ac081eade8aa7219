import NIOCore
import TestSupport
import Testing

@testable import Gateway

/// What a stream turned out to be, and what passed of it.
private struct Passed: Equatable {
    /// The first finding that decides: content, an error or the end.
    var first = Finding.nothing
    var last = Finding.nothing
    var bytes: [UInt8] = []
    var end: StreamEnd = .whole
    var hadKeepAlive = false

    init(_ chunks: [[UInt8]], renaming: ModelRenaming? = nil, isCut: Bool = false) {
        var stream = ChatStream(renaming: renaming)
        func drain() {
            while let piece = stream.next() {
                bytes += piece.bytes.readableBytesView
                switch piece.finding {
                case .nothing, .usage: break
                case .keepAlive: hadKeepAlive = hadKeepAlive || first == .nothing
                case .content, .end, .error:
                    if first == .nothing { first = piece.finding }
                    last = piece.finding
                }
            }
        }
        for chunk in chunks {
            stream.take(ByteBuffer(bytes: chunk))
            drain()
        }
        if !isCut {
            stream.finish()
            drain()
        }
        end = stream.end(isCut: isCut)
    }

    init(_ text: String, renaming: ModelRenaming? = nil, isCut: Bool = false) {
        self.init([Array(text.utf8)], renaming: renaming, isCut: isCut)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

private let hello = #"data: {"choices":[{"index":0,"delta":{"content":"Hi 猫 \n"},"finish_reason":null}]}"#
private let role = #"data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#
private let failure = #"data: {"error":{"message":"no","type":"server_error"}}"#
private let done = "data: [DONE]"
private let finish = #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#

@Suite("What counts in a stream")
struct ChatStreamTests {
    @Test(
        "what is content",
        arguments: [
            hello, #"data:{"choices":[{"delta":{"content":"x"}}]}"#, #"data: {"choices":[{"delta":{"content":" "}}]}"#,
            #"data: {"choices":[{"delta":{"role":"assistant","content":"x"}}]}"#, finish,
            #"data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            #"data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            #"data: {"choices":[{"delta":{"refusal":"no"}}]}"#,
            #"data: {"choices":[{"delta":{"content":[{"text":"x"}]}}]}"#,
            #"data: {"choices":[{"delta":{"content":""}},{"delta":{"content":"x"}}]}"#,
            #"data: {"choices":[{"text":"x"}]}"#,
            #"data: {"error":null,"choices":[{"delta":{"content":"x"}}]}"#,
            #"data: {"error":"","choices":[{"delta":{"content":"x"}}]}"#,
            #"data: {"error":{},"choices":[{"delta":{"content":"x"}}]}"#,
            #"data: {"error":false,"choices":[{"delta":{"content":"x"}}]}"#,
            #"data: {"error":0,"choices":[{"delta":{"content":"x"}}]}"#,
            #"data: {"choices":[{"message":{"content":"x"}}]}"#,
            "event: message\n" + hello, "id: 7\nretry: 10\n" + hello, hello + "\nevent: message", "\u{FEFF}" + hello,
            "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"x\"}}]}",
            #"data: {"choices":[{"delta":{"content":"x"}}],"usage":{"total_tokens":1}}"#,
        ])
    func content(event: String) { #expect(Passed(event + "\n\n").first == .content) }

    @Test(
        "what is none yet",
        arguments: [
            role, ": ping", ":", "id: 7", "retry: 10", "event: ping", "data:", "data: ", "data", "",
            "datax: hello", "Data: hello", " data: hello", "dat: a", #"data: {"choices":[]}"#,
            #"data: {"choices":[],"usage":null,"prompt_filter_results":[]}"#, #"data: {"choices":[{"delta":{}}]}"#,
            #"data: {"choices":[{"delta":{"role":"assistant"},"finish_reason":null,"logprobs":null}]}"#,
            #"data: {"choices":[{"delta":{"content":null,"refusal":null,"tool_calls":[],"function_call":{}}}]}"#,
            #"data: {"choices":[{}]}"#, #"data: {"choices":[{"delta":{"content":""},"finish_reason":""}]}"#,
            #"data: {"choices":[{"finish_reason":"stop"}]}"#, #"data: {"choices":["x"]}"#, #"data: {"choices":"x"}"#,
            #"data: {"choices":null}"#, #"data: {"output":"x"}"#, "data: [1]", "data: hello", "data: {", "data: null",
            #"data: {"choices":[{"delta":{"content":"half"#, #"data: {"choices":[{"delta":{"content":"x"}}]}}"#,
            #"data: {"choices":[],"usage":{"total_tokens":3}}"#, "\u{FEFF}\u{FEFF}" + hello, ":\u{FEFF}",
            #"data: {"choices":[{"delta":{"vendor":"x"}}]}"#,
        ])
    func nothing(event: String) {
        #expect(Passed(event + "\n\n").first == .nothing)
        #expect(Passed(event + "\n\n" + hello + "\n\n").first == .content)
        #expect(Passed(event + "\n\n" + failure + "\n\n").first == .error(.told(.unknown)))
        #expect(Passed(event + "\n\n").end == .broken(.streamWithoutContent))
    }

    @Test(
        "what is an error",
        arguments: [
            (failure, ProviderFault.unknown), (#"data: {"error":"no"}"#, .unknown),
            (#"data: {"id":1,"error":{"code":500}}"#, .unknown),
            (#"data: {"error":{"message":"no"},"choices":[{"delta":{"content":"x"}}]}"#, .unknown),
            ("event: error\ndata: whatever", .unknown), ("event:error", .unknown),
            ("data: whatever\nevent: error", .unknown),
            ("event: error\n" + hello, .unknown), (#"data: {"object":"error","message":"no"}"#, .unknown),
            ("event: message\n" + failure, .unknown), ("data: {\"error\":\ndata: {\"message\":\"no\"}}", .unknown),
            (#"data: {"code":"x","message":"no"}"#, .unknown), (#"data: {"detail":"no"}"#, .unknown),
            (#"data: {"choices":[{"error":{"message":"no"}}]}"#, .unknown),
            (#"data: [{"error":{"code":1}}]"#, .unknown),
            (#"data: {"choices":[{"delta":{"content":"x"},"finish_reason":"error"}]}"#, .unknown),
            (#"data: {"error":{"code":"insufficient_quota"}}"#, .accountEmpty),
            (#"data: {"error":{"code":429}}"#, .rateLimited),
        ])
    func error(event: String, fault: ProviderFault) {
        #expect(Passed(event + "\n\n").first == .error(.told(fault)))
        // Before or after content, no word of it passes, and nothing after it.
        let passed = Passed("\(hello)\n\n\(event)\n\n\(hello)\n\n\(done)\n\n")
        #expect(passed.text == hello + "\n\n" && passed.last == .error(.told(fault)))
        #expect(passed.first == .content && passed.end == .broken(.streamWithoutEnd))
    }

    @Test("what keeps a connection open is told apart from what says nothing") func keepAlive() {
        #expect(Passed(": ping\n\n").hadKeepAlive)
        #expect(Passed("event: ping\n\n").hadKeepAlive)
        #expect(!Passed(role + "\n\n").hadKeepAlive)
    }

    @Test("how a stream must end") func ends() {
        #expect(Passed("\(hello)\n\n\(finish)\n\n\(done)\n\n").end == .whole)
        #expect(Passed("\(hello)\n\n\(done)\n\n", isCut: true).end == .whole)
        #expect(Passed("\(hello)\n\n\(finish)\n\n").end == .whole)
        #expect(Passed("\(hello)\n\n\(finish)\n\n", isCut: true).end == .broken(.streamWithoutEnd))
        #expect(Passed("\(hello)\n\n").end == .broken(.streamWithoutEnd))
        #expect(Passed("\(role)\n\n").end == .broken(.streamWithoutContent))
        #expect(Passed("\(hello)\n\ndata:[DONE] \n\n").end == .whole)
        #expect(Passed("\(hello)\n\ndata: [DONE]x\n\n").end == .broken(.streamWithoutEnd))
        #expect(Passed("\(hello)\n\ndata: [DONE\n\n").end == .broken(.streamWithoutEnd))
        // `[DONE]` alone ends a stream that was none.
        #expect(Passed("\(role)\n\n\(done)\n\n").first == .end)
        // Without its blank line the last event counts all the same, unless the body was cut.
        #expect(Passed("\(hello)\n\n\(done)").end == .whole)
        #expect(Passed("\(hello)\n\n\(done)").text == "\(hello)\n\n\(done)\n\n")
        #expect(Passed("\(hello)\n\n\(done)", isCut: true).end == .broken(.streamWithoutEnd))
        #expect(Passed(hello, isCut: true).first == .nothing)
    }

    @Test("nothing passes after the end but the other half of its line's end") func afterEnd() {
        #expect(Passed("\(hello)\n\n\(done)\n\n\(hello)\n\n: x\n\n").text == "\(hello)\n\n\(done)\n\n")
        #expect(
            Passed(["\(hello)\r\n\r\n\(done)\r\n\r", "\n", "\n\n"].map { Array($0.utf8) }).text
                == "\(hello)\r\n\r\n\(done)\r\n\r\n")
    }

    @Test("bytes pass as they came") func bytes() {
        let text = ": a\r\n\r\n\(role)\r\r\(hello)\n\nid: 1\r\(hello)\r\r: b\n\n\(finish)\n\n\(done)\n\n"
        #expect(Passed(text).text == text)
    }

    @Test("the finding comes with the byte that ends the event, not later") func atOnce() {
        var stream = ChatStream(renaming: nil)
        let bytes = Array((role + "\n\n" + hello + "\n\n").utf8)
        for byte in bytes.dropLast() {
            stream.take(ByteBuffer(bytes: [byte]))
            while let piece = stream.next() { #expect(piece.finding == .nothing) }
        }
        stream.take(ByteBuffer(bytes: bytes.suffix(1)))
        #expect(stream.next()?.finding == .content)
        #expect(stream.next() == nil)
    }

    @Test("an event beyond the bound is content, passes in parts, and is not kept") func large() {
        let start = #"data: {"model":"inner","choices":[{"delta":{"content":""#
        let renaming = ModelRenaming("outer", upstreamName: "inner")
        var stream = ChatStream(renaming: renaming)
        var (passed, kept, most) = (0, 0, 0)
        var findings: [Finding] = []
        let filler = ByteBuffer(repeating: UInt8(ascii: "x"), count: 10_000)
        for number in 0..<400 {
            let chunk = number == 0 ? ByteBuffer(string: start) : filler
            kept += chunk.readableBytes
            stream.take(chunk)
            while let piece = stream.next() {
                findings.append(piece.finding)
                passed += piece.bytes.readableBytes
                kept -= piece.bytes.readableBytes
                if findings.count == 1 { #expect(String(buffer: piece.bytes).hasPrefix(#"data: {"model":"outer","#)) }
            }
            most = max(most, kept)
        }
        #expect(findings.first == .content && passed > 2_900_000 && most <= EventReader.bound + 10_000)
        stream.take(ByteBuffer(string: "\"}}]}\n\n\(failure)\n\n"))
        var last = Finding.nothing
        while let piece = stream.next() { last = piece.finding }
        #expect(last == .error(.told(.unknown)))
        // An error that is too large to be kept is one all the same.
        let error = "data: {\"error\":{\"message\":\"" + String(repeating: "x", count: EventReader.bound)
        #expect(Passed(error, isCut: true).first == .error(.told(.unknown)))
    }

    @Test("a line that began in a part of a large event is none that ends it") func largeLines() {
        let start = Array("data: {\"x\":\"".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: EventReader.bound)
        // The end of the long line, and another line of the same event.
        let passed = Passed([start, Array("\n\(failure)\n\n\(hello)\n\n\(done)\n\n".utf8)])
        #expect(passed.first == .content && passed.last == .end)
        #expect(Passed([start, Array("\n\n\(failure)\n\n".utf8)]).last == .error(.told(.unknown)))
    }

    @Test("many short events, and lines without an end, take no more time than their bytes") func manyEvents() {
        #expect(Passed(String(repeating: ":\n\n", count: 30_000)).first == .nothing)
        #expect(Passed(String(repeating: "\n", count: 50_000)).first == .nothing)
        #expect(Passed(String(repeating: "\r", count: 50_000)).first == .nothing)
        #expect(Passed(String(repeating: "data:\n", count: 30_000)).first == .nothing)
        #expect(Passed([[UInt8]](repeating: [UInt8(ascii: "x")], count: 50_000)).first == .nothing)
    }

    @Test("bytes that are no UTF-8 hide nothing after them") func notUTF8() {
        let bad: [UInt8] = Array(": ".utf8) + [0xFF, 0xC3, 0xE7, 0x8C] + Array("\n\n".utf8)
        #expect(Passed([bad + Array((failure + "\n\n").utf8)]).first == .error(.told(.unknown)))
    }
}

@Suite("The model's name in a stream")
struct ModelRenamingTests {
    private let renaming = ModelRenaming("public", upstreamName: "org/inner-v1")

    @Test("the public name takes the upstream's place, and nothing else changes") func events() {
        let event =
            "id: 1\n"
            + #"data:  {"id":"c", "model" : "org/inner-v1-0613","choices":[{"delta":{"content":"\"model\":\"x\""}}]}"#
        let wanted =
            "id: 1\n" + #"data:  {"id":"c", "model" : "public","choices":[{"delta":{"content":"\"model\":\"x\""}}]}"#
        #expect(Passed(event + "\r\n\r\n", renaming: renaming).text == wanted + "\r\n\r\n")
        #expect(Passed(event + "\r\n\r\n").text == event + "\r\n\r\n")
    }

    @Test("in an event of several lines too") func lines() {
        let event = "data: {\"id\":1,\ndata\ndata:\"model\":\ndata: \"org/inner\" ,\"choices\":[]}\nid: 5"
        let wanted = "data: {\"id\":1,\ndata\ndata:\"model\":\ndata: \"public\" ,\"choices\":[]}\nid: 5"
        #expect(Passed(event + "\n\n", renaming: renaming).text == wanted + "\n\n")
    }

    @Test(
        "a name inside of something else, or that is no text, stays",
        arguments: [#"{"x":{"model":"y"}}"#, #"{"model":null}"#, #"["model","y"]"#, "[DONE]", "model"])
    func others(data: String) {
        #expect(Passed("data: \(data)\n\n", renaming: renaming).text == "data: \(data)\n\n")
    }

    @Test("equal names are not looked for") func equal() {
        #expect(ModelRenaming("a", upstreamName: "a") == nil)
        #expect(ModelRenaming("a", upstreamName: "b") != nil)
    }
}

@Suite("A stream is the same wherever the network cuts it")
struct ChatStreamCutTests {
    private static let events = [
        hello, role, done, finish, failure, ": ping", "data", "id: 3", "event: x\n" + hello, "event: error",
        "data: {\"model\":\"in\",\ndata: \"choices\":[{\"delta\":{\"content\":\"x\"}}]}",
        #"data: {"model":"in","choices":[]}"#,
        "data: {\"choices\"", "", "\u{FEFF}", "data: 猫",
    ]

    @Test("by seed", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func cuts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<600 {
            let end = ["\n", "\r", "\r\n"].randomElement(using: &random) ?? "\n"
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let event = Self.events.randomElement(using: &random) ?? ""
                for line in event.split(separator: "\n", omittingEmptySubsequences: false) {
                    text += Array(line.utf8) + Array(end.utf8)
                }
                text += Array(end.utf8)
            }
            if Bool.random(using: &random) { text.removeLast(Int.random(in: 0...min(5, text.count), using: &random)) }
            if Bool.random(using: &random), !text.isEmpty {
                text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let renaming = Bool.random(using: &random) ? ModelRenaming("outside", upstreamName: "in") : nil
            let isCut = Bool.random(using: &random)
            let whole = Passed([text], renaming: renaming, isCut: isCut)
            let isSame = Passed(text.map { [$0] }, renaming: renaming, isCut: isCut) == whole
            if !isSame { Issue.record("\(text)") }
            var chunks: [[UInt8]] = []
            var rest = text[...]
            while !rest.isEmpty {
                let length = Int.random(in: 0...rest.count, using: &random)
                chunks.append(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            let isSameInChunks = Passed(chunks, renaming: renaming, isCut: isCut) == whole
            if !isSameInChunks { Issue.record("\(chunks)") }
        }
    }
}
