import HTTP
import JSON
import Secrets
import Testing
import Values

@testable import Applications
@testable import Catalog
@testable import Gateway

@Suite("Chat calls")
struct ChatCallTests {
    private let moment = Timestamp(microseconds: 0)
    private let id = Identifier(at: Timestamp(microseconds: 0), random: (1, 2))

    private func call(_ text: String) throws -> ChatCall { try ChatCall(#require(try JSON.parse(text.utf8).object)) }

    private func app(prompt: String? = nil, parameters: String = "{}") throws -> Application {
        Application(
            id: id, account: id, name: "App",
            chat: ChatSettings(
                storedModel: "public", allowedModels: ["public"], systemPrompt: prompt.map { Text($0) },
                parameters: try #require(ChatParameters(stored: parameters))),
            createdAt: moment, updatedAt: moment)
    }

    /// The body that the upstream gets.
    private func sent(_ text: String, _ app: Application) throws -> UpstreamCall {
        let row = ModelTable.RouteRow(
            model: id, provider: id, upstreamName: "upstream/name", kind: .echo, baseURL: nil, sealedSecret: nil,
            prices: [])
        let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
        return try call(text).asSentTo(ModelRoute(row, name: "public", sealing: keys.sealing), by: app, isKept: false)
    }

    private func body(_ text: String, _ app: Application) throws -> String {
        JSON.object(try sent(text, app).body).text
    }

    @Test("the app's prompt comes first, before a system message of the caller's") func prompt() throws {
        let text = #"{"model":"public","messages":[{"role":"system","content":"mine"},{"role":"user","content":"hi"}]}"#
        let prompted = try sent(text, app(prompt: "You are a \"cat\"."))
        #expect(
            JSON.array(prompted.messages).text
                == #"[{"role":"system","content":"You are a \"cat\"."},{"role":"system","content":"mine"},"#
                + #"{"role":"user","content":"hi"}]"#)
        #expect(prompted.body["messages"] == .array(prompted.messages))
        #expect(try sent(text, app()).messages.count == 2)
    }

    @Test("the model is the upstream's name of it, in the caller's place or, where none was named, added") func model()
        throws
    {
        let messages = #""messages":[{"role":"user","content":"hi"}]"#
        #expect(try body(#"{"model":"public",\#(messages)}"#, app()) == #"{"model":"upstream/name",\#(messages)}"#)
        #expect(try body(#"{"model":null,\#(messages)}"#, app()) == #"{"model":"upstream/name",\#(messages)}"#)
        #expect(try body("{\(messages)}", app()) == #"{\#(messages),"model":"upstream/name"}"#)
        #expect(try call(#"{"model":"m",\#(messages)}"#).model == "m")
        #expect(try call("{\(messages)}").model == nil)
        #expect(try call(#"{"model":null,\#(messages)}"#).model == nil)
    }

    @Test("the app's parameters stand in only where the caller said nothing; null is something said") func parameters()
        throws
    {
        let app = try app(parameters: #"{"temperature":0.70,"seed":7,"top_p":0.5}"#)
        let sent = try body(#"{"messages":[{"role":"user"}],"temperature":1.10,"seed":null}"#, app)
        #expect(
            sent
                == #"{"messages":[{"role":"user"}],"temperature":1.10,"seed":null,"model":"upstream/name","top_p":0.5}"#
        )
    }

    @Test("an app's limit on tokens never meets the caller's under its other name: an upstream refuses the pair")
    func tokenLimits() throws {
        let app = try app(parameters: #"{"max_tokens":100}"#)
        let sent = try sent(#"{"messages":[{"role":"user"}],"max_completion_tokens":5}"#, app).body
        #expect(sent["max_completion_tokens"] == 5)
        #expect(sent["max_tokens"] == nil)
    }

    @Test("unknown fields and the literals of numbers pass untouched, in their order") func untouched() throws {
        let text =
            #"{"x_new":{"b":[1.10,1e400,-0,12345678901234567890],"a":null},"model":"upstream/name","#
            + #""messages":[{"role":"user","content":[{"text":"é😀\u0001"},{"type":"image_url"}],"weight":0.10}],"#
            + #""tools":[],"metadata":{"":1},"stream":true}"#
        #expect(try body(text, app()) == text)
        #expect(try sent(text, app()).isStream)
    }

    @Test(
        "whether the answer is a stream",
        arguments: [(#","stream":true"#, true), (#","stream":false"#, false), ("", false), (#","stream":null"#, false)])
    func stream(field: String, isStream: Bool) throws {
        #expect(try call(#"{"messages":[{"role":"user"}]\#(field)}"#).isStream == isStream)
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
        let problem = #expect(throws: Problem.self) { try call(text) }
        #expect(problem?.code == "invalid_request")
        #expect(problem?.fields.map(\.field) == [field])
    }
}
