import HTTPTypes
import JSON
import NIOCore
import Values

/// The built-in upstream: answers in the manner of the system prompt it is given, without any network, always the same
/// way. Enough to see that a key opens its own app, and to try a client, before any provider is configured.
struct EchoUpstream {
    func complete(_ call: UpstreamCall) -> UpstreamAnswer {
        let content = Self.content(call.messages)
        return call.isStream ? stream(content, call) : plain(content, call)
    }

    // MARK: Manners

    /// A manner is looked for in the first system message, which is the app's when it has one.
    static func content(_ messages: [JSON]) -> Text {
        let prompt = text(messages.first { $0.object?["role"]?.string == "system" })
        let said = text(messages.last { $0.object?["role"]?.string == "user" })
        let words = words(prompt)
        if !words.isDisjoint(with: ["cat", "cats", "kitten"]) { return Text("Meow! You said: \(said). Purr.") }
        if !words.isDisjoint(with: ["dog", "dogs", "puppy"]) { return Text("Woof! You said: \(said). Wag, wag.") }
        return Text("You said: \(said).")
    }

    /// By code points: letters and the marks on them, in small letters where they are ASCII's.
    private static func words(_ text: Text) -> Set<Text> {
        let parts = text.string.unicodeScalars.split { scalar in
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
                .spacingMark, .enclosingMark:
                false
            default: true
            }
        }
        return Set(parts.map { Text(String($0)).lowercased })
    }

    /// A message's text: a string, or the text parts of an array.
    private static func text(_ message: JSON?) -> Text {
        switch message?.object?["content"] {
        case .string(let text)?: text
        case .array(let parts)?:
            Text(parts.compactMap { $0.object?["text"]?.string?.string }.joined(separator: " "))
        default: ""
        }
    }

    // MARK: Answers

    private func plain(_ content: Text, _ call: UpstreamCall) -> UpstreamAnswer {
        let answer: JSON = [
            "id": "chatcmpl-echo", "object": "chat.completion", "created": 0, "model": .string(call.model),
            "choices": [
                [
                    "index": 0, "message": ["role": "assistant", "content": .string(content)], "finish_reason": "stop",
                    "logprobs": nil,
                ]
            ],
            "usage": usage(content, call),
        ]
        let body = ByteBuffer(bytes: answer.encoded())
        return UpstreamAnswer(
            status: .ok, headers: [.contentType: "application/json"], length: body.readableBytes, body: .whole(body))
    }

    private func stream(_ content: Text, _ call: UpstreamCall) -> UpstreamAnswer {
        var deltas: [(JSON, finish: JSON)] = [(["role": "assistant", "content": ""], nil)]
        for (index, word) in content.split(on: " ").enumerated() {
            deltas.append((["content": .string(index == 0 ? word : Text(" \(word)"))], nil))
        }
        deltas.append(([:], "stop"))
        var events = deltas.map { delta, finish in
            chunk(call, choices: [["index": 0, "delta": delta, "finish_reason": finish, "logprobs": nil]])
        }
        if call.body["stream_options"]?.object?["include_usage"] == .bool(true) {
            events.append(chunk(call, choices: [], usage: usage(content, call)))
        }
        let chunks =
            events.map { ByteBuffer(string: "data: \($0.text)\n\n") } + [ByteBuffer(string: "data: [DONE]\n\n")]
        return UpstreamAnswer(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], length: nil,
            body: .chunks(chunks))
    }

    private func chunk(_ call: UpstreamCall, choices: JSON, usage: JSON? = nil) -> JSON {
        var object: JSONObject = [
            "id": "chatcmpl-echo", "object": "chat.completion.chunk", "created": 0, "model": .string(call.model),
            "choices": choices,
        ]
        object["usage"] = usage
        return .object(object)
    }

    /// Words stand in for tokens.
    private func usage(_ content: Text, _ call: UpstreamCall) -> JSON {
        let asked = call.messages.reduce(0) { $0 + Self.wordCount(Self.text($1)) }
        let answered = Self.wordCount(content)
        return [
            "prompt_tokens": .number(JSONNumber(Int64(asked))),
            "completion_tokens": .number(JSONNumber(Int64(answered))),
            "total_tokens": .number(JSONNumber(Int64(asked + answered))),
        ]
    }

    private static func wordCount(_ text: Text) -> Int {
        text.string.unicodeScalars.split(whereSeparator: \.properties.isWhitespace).count
    }
}
