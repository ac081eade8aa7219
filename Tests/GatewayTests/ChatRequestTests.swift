import Applications
import Catalog
import HTTP
import JSON
import NIOCore
import TestSupport
import Testing
import Values

@testable import Gateway

@Suite("Chat requests")
struct ChatRequestTests {
    /// What an app and a model make of a call.
    private struct Settings {
        var prompt: Text?
        var parameters: JSONObject = [:]
        var systemMessages = SystemMessages.keep
    }

    private func request(_ text: String) throws -> ChatRequest { try ChatRequest(ByteBuffer(string: text)) }

    /// The body that the upstream gets.
    private func sent(_ text: String, _ settings: Settings = Settings()) throws -> String {
        let parts = try request(text).forUpstream(
            model: "upstream/name", prompt: settings.prompt, parameters: ChatParameters(settings.parameters),
            systemMessages: settings.systemMessages)
        return parts.map { String(buffer: $0) }.joined()
    }

    private static let user = #"{"role":"user","content":"hi"}"#

    @Test("the app's prompt comes first, before a system message of the caller's") func prompt() throws {
        let text =
            #"{"model":"public","messages": [ {"role":"system","content":"mine"},{"role":"user","content":"hi"} ] }"#
        #expect(
            try sent(text, Settings(prompt: "You are a \"cat\"."))
                == #"{"model":"upstream/name","messages": [ {"role":"system","content":"You are a \"cat\"."},"#
                + #"{"role":"system","content":"mine"},{"role":"user","content":"hi"} ] }"#)
        #expect(try sent(text) == text.replacing("public", with: "upstream/name"))
    }

    @Test("the model is the upstream's name of it, in the caller's place or, where none was named, added") func model()
        throws
    {
        let messages = #""messages":[\#(Self.user)]"#
        #expect(try sent(#"{"model":"public",\#(messages)}"#) == #"{"model":"upstream/name",\#(messages)}"#)
        #expect(try sent(#"{\#(messages),"mod\u0065l":"public"}"#) == #"{\#(messages),"mod\u0065l":"upstream/name"}"#)
        #expect(try sent(#"{"model":null,\#(messages)}"#) == #"{"model":"upstream/name",\#(messages)}"#)
        #expect(try sent("{\(messages)}") == #"{\#(messages),"model":"upstream/name"}"#)
        #expect(try request(#"{"model":"m\u0021",\#(messages)}"#).model == "m!")
        #expect(try request("{\(messages)}").model == nil)
        #expect(try request(#"{"model":null,\#(messages)}"#).model == nil)
        let long = try request(#"{"model":"\#(String(repeating: "m", count: 5000))",\#(messages)}"#).model
        #expect(long?.utf8.count == 200)
    }

    @Test("the app's parameters stand in only where the caller said nothing, and null says nothing") func parameters()
        throws
    {
        let app = Settings(parameters: ["temperature": JSON(Credits(micro: 700_000)), "seed": 7, "top_p": 1])
        #expect(
            try sent(#"{"messages":[{"role":"user"}],"temperature":1.10,"seed": null , "stop":null}"#, app)
                == #"{"messages":[{"role":"user"}],"temperature":1.10,"seed": 7 , "stop":null,"#
                + #""model":"upstream/name","top_p":1}"#)
    }

    @Test(
        "an app's limit on tokens never meets the caller's under its other name: an upstream refuses the pair",
        arguments: [
            (#"{M,"max_completion_tokens":5}"#, #"{M,"max_completion_tokens":5}"#),
            (#"{M}"#, #"{M,"max_tokens":100}"#), (#"{M,"max_tokens":null}"#, #"{M,"max_tokens":100}"#),
            (#"{M, "max_completion_tokens": null }"#, #"{M,"max_tokens":100 }"#),
            (#"{ "max_completion_tokens" : null , M}"#, #"{ M,"max_tokens":100}"#),
            (#"{"max_completion_tokens":null,"max_tokens":null,M}"#, #"{"max_tokens":100,M}"#),
            (#"{"max_tokens":null,"max_completion_tokens":null,M}"#, #"{"max_tokens":100,M}"#),
            (#"{M,"max_tokens":null,"max_completion_tokens":5}"#, #"{M,"max_tokens":null,"max_completion_tokens":5}"#),
        ])
    func tokenLimits(text: String, expected: String) throws {
        let members = #""model":"upstream/name","messages":[\#(Self.user)]"#
        let sent = try sent(text.replacing("M", with: members), Settings(parameters: ["max_tokens": 100]))
        #expect(sent == expected.replacing("M", with: members))
        // An app with both is served, whatever the upstream makes of it.
        _ = try self.sent(
            text.replacing("M", with: members), Settings(parameters: ["max_completion_tokens": 3, "max_tokens": 100]))
    }

    @Test("unknown fields, the literals of numbers and blanks pass untouched, in their order") func untouched() throws {
        let text =
            #" {"x_new" :{"b":[1.10,1e400,-0,12345678901234567890],"a":null},"model":"upstream/name","#
            + #""messages":[{"role":"user","content":[{"text":"é😀\u0001\/"},{"type":"image_url"}],"weight":0.10}],"#
            + "\"tools\":[],\"metadata\":{\"\":1},\n\"stream\":true}\r\n"
        #expect(try sent(text) == text)
        #expect(try request(text).isStream)
    }

    @Test("what is not changed is not copied") func slices() throws {
        let photo = String(repeating: "a", count: 100_000)
        let body = ByteBuffer(string: #"{"messages":[{"role":"user","content":"\#(photo)"}],"model":"m"}"#)
        let parts = try ChatRequest(body).forUpstream(
            model: "upstream/name", prompt: "cat", parameters: .none, systemMessages: .keep)
        let places = body.withVeryUnsafeBytes {
            UInt(bitPattern: $0.baseAddress)...UInt(bitPattern: $0.baseAddress) + UInt($0.count)
        }
        let copied = parts.filter { part in
            part.withUnsafeReadableBytes { !places.contains(UInt(bitPattern: $0.baseAddress)) }
        }
        #expect(copied.reduce(0) { $0 + $1.readableBytes } < 100)
        #expect(parts.reduce(0) { $0 + $1.readableBytes } > 100_000)
    }

    @Test("places count from where the body begins") func slice() throws {
        var buffer = ByteBuffer(string: #"HEAD{"model":"m","messages":[{"role":"user"}]}"#)
        buffer.moveReaderIndex(forwardBy: 4)
        let parts = try ChatRequest(buffer).forUpstream(
            model: "n", prompt: nil, parameters: .none, systemMessages: .keep)
        #expect(parts.map { String(buffer: $0) }.joined() == #"{"model":"n","messages":[{"role":"user"}]}"#)
    }

    @Test(
        "system messages are joined where the model says so",
        arguments: [
            // The prompt and one message; two messages; nothing to join.
            ("cat", #"{"role":"system","content":"a\"é"},U"#, #"{"role":"system","content":"cat\n\na\"é"},U"#),
            (
                nil, #"{"role":"system","content":"a"}, {"role":"system","content":"b"} ,U"#,
                #"{"role":"system","content":"a\n\nb"} ,U"#
            ),
            ("cat", "U", #"{"role":"system","content":"cat"},U"#), (nil, "U", "U"),
            (nil, #"{"role":"system","content":"a","name":"n"},U"#, #"{"role":"system","content":"a","name":"n"},U"#),
            // Parts stay parts.
            (
                "cat", #"{"content":[{"type":"text","text":"a"}],"role":"system"},{"role":"system","content":"b"}"#,
                #"{"role":"system","content":[{"type":"text","text":"cat"},{"type":"text","text":"a"},"#
                    + #"{"type":"text","text":"b"}]}"#
            ),
            // What is empty adds nothing.
            (
                "cat", #"{"role":"system","content":""},{"role":"system","content":[ ]},U"#,
                #"{"role":"system","content":[{"type":"text","text":"cat"}]},U"#
            ),
            // Only those at the beginning, and only those with a content that can be joined.
            (
                "cat", #"U,{"role":"system","content":"a"}"#,
                #"{"role":"system","content":"cat"},U,{"role":"system","content":"a"}"#
            ),
            (
                "cat", #"{"role":"system","content":null},{"role":"system","content":"b"}"#,
                #"{"role":"system","content":"cat"},{"role":"system","content":null},{"role":"system","content":"b"}"#
            ),
        ] as [(Text?, String, String)])
    func merge(prompt: Text?, messages: String, expected: String) throws {
        func body(_ messages: String) -> String {
            #"{"messages":[\#(messages.replacing("U", with: Self.user))],"model":"upstream/name"}"#
        }
        #expect(try sent(body(messages), Settings(prompt: prompt, systemMessages: .merge)) == body(expected))
        let kept = (prompt.map { #"{"role":"system","content":"\#($0)"},"# } ?? "") + messages
        #expect(try sent(body(messages), Settings(prompt: prompt)) == body(kept))
    }

    @Test("by seed: what the upstream gets says what the tree of the body would say", arguments: Seeds.list(1...20))
    func sameAsTree(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let call = RandomCall(&random)
            let parts = try ChatRequest(ByteBuffer(bytes: call.text)).forUpstream(
                model: "up", prompt: call.prompt, parameters: ChatParameters(call.parameters), systemMessages: .keep)
            let sent = try JSON.parse(parts.flatMap { Array($0.readableBytesView) })
            #expect(sent == .object(call.expected), "\(String(decoding: call.text, as: UTF8.self))")
        }
    }

    @Test(
        "a body that is no JSON object is told so",
        arguments: ["", "[]", "{", "\"a\"", "{\"a\":1,\"a\":2}", "null", "\u{FEFF}{}"])
    func malformed(text: String) {
        let problem = #expect(throws: Problem.self) { try request(text) }
        #expect(problem?.code == "malformed_json")
        let words = ["[]": "an array", "\"a\"": "a string", "null": "null"][text]
        if let words { #expect(problem?.detail == "The body must be a JSON object, but is \(words).") }
    }

    @Test("every kind of value behind every name that is looked at is refused or passes") func kinds() throws {
        let values = ["null", "true", "false", "0", "-1.5e3", #""""#, #""\u0061""#, "[]", "[[]]", "{}", #"{"a":[]}"#]
        let frames = [
            #"{"messages":V}"#, #"{"messages":[V]}"#, #"{"messages":[{"role":V}]}"#,
            #"{"messages":[{"content":V,"role":"system"},{"role":"user","content":V}]}"#,
            #"{"messages":[{"role":"user","content":[V]}]}"#, #"{"messages":[{"role":"user","content":[{"text":V}]}]}"#,
            #"{"model":V,"messages":[{"role":"user"}]}"#, #"{"messages":[{"role":"user"}],"stream":V}"#,
            #"{"stream_options":V,"messages":[{"role":"user"}]}"#,
            #"{"messages":[{"role":"user"}],"stream_options":{"include_usage":V}}"#,
            #"{"max_tokens":V,"messages":[{"role":"user"}],"max_completion_tokens":V}"#,
        ]
        let parameters = try ChatParameters(["max_tokens": 1, "stop": "x"])
        for (frame, value) in frames.flatMap({ frame in values.map { (frame, $0) } }) {
            let text = frame.replacing("V", with: value)
            guard let request = try? request(text) else { continue }
            for setting in SystemMessages.allCases {
                let parts = request.forUpstream(
                    model: "m", prompt: "cat", parameters: parameters, systemMessages: setting)
                let sent = parts.map { String(buffer: $0) }.joined()
                #expect(throws: Never.self, "\(sent)") { try JSON.parse(sent.utf8) }
                let reply = EchoReply(request, prompt: "cat", model: "m", systemMessages: setting)
                #expect(throws: Never.self) { try JSON.parse(reply.whole().readableBytesView) }
            }
        }
    }

    @Test("whether the end of a stream says what was used") func usage() throws {
        for (options, isAsked) in [
            (#"{"include_usage":true}"#, true), (#"{"a":1,"include_usage":true}"#, true),
            (#"{"include_usage":false}"#, false),
            ("{}", false), ("null", false), ("true", false), (#"{"x":{"include_usage":true}}"#, false),
        ] {
            #expect(try request(#"{"messages":[{"role":"user"}],"stream_options":\#(options)}"#).wantsUsage == isAsked)
        }
    }

    @Test(
        "whether the answer is a stream",
        arguments: [(#","stream":true"#, true), (#","stream":false"#, false), ("", false), (#","stream":null"#, false)])
    func stream(field: String, isStream: Bool) throws {
        #expect(try request(#"{"messages":[{"role":"user"}]\#(field)}"#).isStream == isStream)
    }

    @Test(
        "what can't be understood is refused by field",
        arguments: [
            ("{}", "messages"), (#"{"messages":null}"#, "messages"), (#"{"messages":[]}"#, "messages"),
            (#"{"messages":"hi"}"#, "messages"), (#"{"messages":{"role":"user"}}"#, "messages"),
            (#"{"messages":["hi"]}"#, "messages[0]"), (#"{"messages":[{"role":"user"},null]}"#, "messages[1]"),
            (#"{"messages":[{"role":"user"},{}]}"#, "messages[1].role"),
            (#"{"messages":[{"role":1}]}"#, "messages[0].role"),
            (#"{"messages":[{"role":"user"}],"model":1}"#, "model"),
            (#"{"messages":[{"role":"user"}],"model":["m"]}"#, "model"),
            (#"{"messages":[{"role":"user"}],"stream":"true"}"#, "stream"),
            (#"{"messages":[{"role":"user"}],"stream":1}"#, "stream"),
        ])
    func refused(text: String, field: String) throws {
        let problem = #expect(throws: Problem.self) { try request(text) }
        #expect(problem?.code == "invalid_request")
        #expect(problem?.fields.map(\.field) == [field])
    }
}
