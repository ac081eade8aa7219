import JSON
import NIOCore
import TestSupport
import Testing

@testable import Gateway

@Suite("What counts as a whole answer")
struct ChatLookTests {
    private func look(_ text: String, isWhole: Bool = true) -> Finding {
        ChatLook.look(at: ByteBuffer(string: text), isWhole: isWhole)
    }

    private static let hello = #"{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}"#

    @Test(
        "what is an answer",
        arguments: [
            #"{"id":"c","choices":[\#(hello)]}"#, " \r\n\t{ \"choices\" : [ \(hello) ] } \n",
            #"{"choices":[\#(hello)],"error":null}"#, #"{"error":"","choices":[\#(hello)]}"#,
            #"{"error":{},"choices":[\#(hello)]}"#, #"{"error":[],"choices":[\#(hello)]}"#,
            #"{"error":false,"choices":[\#(hello)]}"#, #"{"error":0,"choices":[\#(hello)]}"#,
            #"{"error": -0.0e5 ,"choices":[\#(hello)]}"#, #"{"error":{ },"choices":[\#(hello)]}"#,
            #"{"choices":[{"message":{"content":"x"}}]}"#,
            #"{"choices":[{"message":{"content":""},"finish_reason":"length"}]}"#,
            #"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"1"}]},"finish_reason":null}]}"#,
            #"{"choices":[{"message":{"function_call":{"name":"f"}}}]}"#,
            #"{"choices":[{"message":{"reasoning_content":"hm"}}]}"#, #"{"choices":[{"message":{"refusal":"no"}}]}"#,
            #"{"choices":[{"text":"x"}]}"#, #"{"choices":[{"text":"","finish_reason":"stop"}]}"#,
            #"{"choices":[{"error":{"message":"no"}},\#(hello)]}"#,
            #"{"choices":[\#(hello)],"code":0,"message":"ok"}"#,
            #"{"choices":[\#(hello)],"detail":"x","code":1,"message":"m"}"#,
            #"{"choices":[{"message":{"content":"{\"error\":{\"message\":\"only a text\"}}"}}]}"#,
            // Nobody's business here: half a surrogate pair in what a model said, and a name that is there twice.
            #"{"choices":[{"message":{"content":"\ud83d"}}]}"#, #"{"id":1,"id":2,"choices":[\#(hello)]}"#,
        ])
    func answers(text: String) { #expect(look(text) == .content) }

    @Test(
        "what is none, whatever its status says",
        arguments: [
            (#"{"id":"c","error":{"message":"no"}}"#, AnswerFault.told(.unknown)),
            (#"{"error":"no"}"#, .told(.unknown)), (#"{"error":true}"#, .told(.unknown)),
            (#"{"error":1,"choices":[\#(hello)]}"#, .told(.unknown)),
            (#"{"object":"error","message":"no","code":null}"#, .told(.unknown)),
            (#"{"type":"error","error":{"type":"overloaded_error"}}"#, .told(.overloaded)),
            (#"{"error":{"message":"m","type":"t","code":"insufficient_quota"}}"#, .told(.accountEmpty)),
            (#"{"error":{"type":"invalid_request_error","code":"invalid_api_key"}}"#, .told(.secretRefused)),
            (#"{"choices":[\#(hello)],"error":{"code":429}}"#, .told(.rateLimited)),
            (#"[{"error":{"code":503,"message":"x"}}]"#, .told(.overloaded)), ("[]", .noChoices), ("[1]", .noChoices),
            (#"{"code":500,"message":"no"}"#, .told(.unknown)), (#"{"detail":"no"}"#, .told(.unknown)),
            (#"{"detail":[{"msg":"x"}]}"#, .told(.unknown)),
            (#"{"choices":null,"code":"x","message":"no"}"#, .told(.unknown)),
            (#"{"choices":[{"error":{"message":"no"}}]}"#, .told(.unknown)),
            (#"{"choices":[{"message":{"content":"x"},"error":"no"}]}"#, .told(.unknown)),
            (#"{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}"#, .told(.unknown)),
            (#"{"choices":[]}"#, .noChoices), (#"{"choices":null}"#, .noChoices), (#"{"choices":{}}"#, .noChoices),
            (#"{"choices":"x"}"#, .noChoices), (#"{"id":"c"}"#, .noChoices), ("{}", .noChoices),
            (#"{"choices":[{}]}"#, .noChoices), (#"{"choices":["x"]}"#, .noChoices),
            (#"{"choices":[null]}"#, .noChoices),
            (#"{"choices":[{"message":{"role":"assistant","content":""}}]}"#, .noChoices),
            (#"{"choices":[{"message":{"content":null,"tool_calls":[]},"finish_reason":""}]}"#, .noChoices),
            (#"{"choices":[{"finish_reason":"stop"}]}"#, .noChoices), (#"{"object":5}"#, .noChoices),
            (#"{"type":5,"choices":[{"finish_reason":5,"message":5,"text":5,"delta":5,"error":0}]}"#, .noChoices),
            (#"{"error":5,"code":5}"#, .told(.unknown)),
            (#"{"error":{"code":5,"type":5,"status":5}}"#, .told(.unknown)),
            (#"{"choices":[{"message":"x","finish_reason":null}]}"#, .noChoices),
            ("", .empty), (" \n", .empty), ("<html><body>Welcome</body></html>", .page), ("\n<!DOCTYPE html>", .page),
            ("hello", .noJSON), ("null", .noJSON), ("\"x\"", .noJSON), ("12", .noJSON), ("{]", .noJSON),
            (#"{"choices":[\#(hello)]}x"#, .noJSON), (#"{"choices":[\#(hello)]}{}"#, .noJSON),
            (#"{"choices":[\#(hello)],}"#, .noJSON), (#"{"choices":[\#(hello),]}"#, .noJSON),
            (#"{"choices":[\#(hello)}"#, .noJSON), ("{'choices':[]}", .noJSON), ("data: {}", .noJSON),
            (#"{"choices":[\#(hello)]"#, .halfJSON), (#"{"choices":[\#(hello)"#, .halfJSON), ("{", .halfJSON),
        ])
    func faults(text: String, fault: AnswerFault) { #expect(look(text) == .error(fault)) }

    @Test("of an answer that isn't whole, what has come decides, or more is asked for") func beginnings() {
        let begun = #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"#
        #expect(look(begun, isWhole: false) == .nothing)
        #expect(look(begun + "\"", isWhole: false) == .nothing)
        #expect(look(begun + "\"w", isWhole: false) == .content)
        #expect(look(begun + "[{", isWhole: false) == .content)
        #expect(look(#"{"code":1,"message":"m""#, isWhole: false) == .nothing)
        #expect(look(#"{"error":{"code":"insufficient_quota","mess"#, isWhole: false) == .error(.told(.accountEmpty)))
        #expect(look("", isWhole: false) == .nothing)
        #expect(look("  ", isWhole: false) == .nothing)
        #expect(look("<htm", isWhole: false) == .error(.page))
        #expect(look("{\"a\" 1", isWhole: false) == .error(.noJSON))
    }

    @Test("wherever a whole answer is cut, it is half an answer, and its beginning is never taken for a fault")
    func cuts() {
        let text =
            #"{"id":"c","n":[-1.5e3,{"a":[]},true,false,null],"model":"m","choices":[\#(Self.hello)],"usage":{}}"#
        let bytes = Array(text.utf8)
        for cut in 0..<bytes.count {
            let beginning = ByteBuffer(bytes: bytes[..<cut])
            #expect(ChatLook.look(at: beginning, isWhole: true) == .error(cut == 0 ? .empty : .halfJSON), "at \(cut)")
            let finding = ChatLook.look(at: beginning, isWhole: false)
            #expect(finding == .nothing || finding == .content, "at \(cut)")
        }
        #expect(look(text) == .content)
    }

    @Test("nesting is bounded, and costs no stack") func deep() {
        let limit = JSONWalk.maximumDepth - 1
        func nested(_ depth: Int) -> String {
            #"{"x":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
                + #","choices":[\#(Self.hello)]}"#
        }
        #expect(look(nested(limit)) == .content)
        #expect(look(nested(limit + 1)) == .error(.noJSON))
        #expect(look(String(repeating: "[", count: 1_000_000)) == .error(.noJSON))
        #expect(
            look(#"{"x":"# + String(repeating: #"[{"a":"#, count: 40) + "1" + String(repeating: "}]", count: 40) + "}")
                == .error(.noChoices))
    }

    @Test("a value of any kind may stand behind any name, whole or cut") func kinds() {
        let names = [
            "error", "object", "type", "choices", "code", "message", "detail", "usage", "model", "status",
            "finish_reason", "delta", "text", "content", "tool_calls",
        ]
        let values = [
            "5", "-", "\"\"", "\"", "\"\\", "\"a\"", "[]", "[", "[5]", "{}", "{", "{\"a\":5}", "t", "true", "f", "n",
            "null",
        ]
        for name in names {
            for value in values {
                let member = "\"\(name)\":\(value)"
                for text in [
                    "{\(member)}", "{\(member)", "[{\(member)}]", "{\"choices\":[{\(member)}]}",
                    "{\"error\":{\(member)}}", "{\"choices\":[{\"delta\":{\(member)}}]}", "{\"choices\":[{\(member)",
                ] {
                    #expect(look(text) != .nothing)
                    _ = look(text, isWhole: false)
                    var stream = ChatStream(renaming: ModelRenaming("a", upstreamName: "b"))
                    stream.take(ByteBuffer(string: "data: \(text)\n\n"))
                    #expect(stream.next() != nil)
                }
            }
        }
    }

    @Test("random bytes and random changes of an answer never end the process", arguments: [1, 2, 3, 4] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let text = Array(#"{"id":"c","error":{"code":null},"model":"m","choices":[\#(Self.hello)]}"#.utf8)
        let signs = Array("{}[]\",:\\ 0-tfn<".utf8)
        for _ in 0..<5_000 {
            var bytes = text
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(signs.randomElement(using: &random) ?? 0, at: place)
                case 2 where bytes.count > 1: bytes.remove(at: place)
                default: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0..<20, using: &random)))
                }
            }
            let buffer = ByteBuffer(bytes: bytes)
            let whole = ChatLook.look(at: buffer, isWhole: true)
            if whole == .nothing { Issue.record("no verdict on \(bytes)") }
            // What is an answer when it is whole was never refused in its beginning.
            if whole == .content {
                let cut = Int.random(in: 0...bytes.count, using: &random)
                let beginning = ChatLook.look(at: ByteBuffer(bytes: bytes[..<cut]), isWhole: false)
                if beginning != .nothing && beginning != .content { Issue.record("refused at \(cut): \(bytes)") }
            }
        }
    }
}
