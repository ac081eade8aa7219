import HTTPTypes
import JSON
import NIOCore

/// The built-in upstream: answers in the manner of the system prompt it is given, without any network, always the same
/// way. Enough to see that a key opens its own app, and to try a client, before any provider is configured.
struct EchoUpstream {
    func complete(_ call: UpstreamCall) -> UpstreamAnswer {
        let content = Self.content(call.messages)
        return call.isStream ? stream(content, call) : plain(content, call)
    }

    // MARK: Manners

    /// A manner is looked for in the first system message, which is the app's when it has one.
    static func content(_ messages: [JSON]) -> String {
        let prompt = text(messages.first { $0.object?["role"]?.string == "system" })
        let said = text(messages.last { $0.object?["role"]?.string == "user" })
        let words = Set(prompt.lowercased().split { !$0.isLetter }.map(String.init))
        if !words.isDisjoint(with: ["cat", "cats", "kitten"]) { return "Meow! You said: \(said). Purr." }
        if !words.isDisjoint(with: ["dog", "dogs", "puppy"]) { return "Woof! You said: \(said). Wag, wag." }
        return "You said: \(said)."
    }

    /// A message's text: a string, or the text parts of an array.
    private static func text(_ message: JSON?) -> String {
        switch message?.object?["content"] {
        case .string(let text)?: text
        case .array(let parts)?: parts.compactMap { $0.object?["text"]?.string }.joined(separator: " ")
        default: ""
        }
    }

    // MARK: Answers

    private func plain(_ content: String, _ call: UpstreamCall) -> UpstreamAnswer {
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

    private func stream(_ content: String, _ call: UpstreamCall) -> UpstreamAnswer {
        var deltas: [(JSON, finish: JSON)] = [(["role": "assistant", "content": ""], nil)]
        for (index, word) in content.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            deltas.append((["content": .string(index == 0 ? String(word) : " " + word)], nil))
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
    private func usage(_ content: String, _ call: UpstreamCall) -> JSON {
        let asked = call.messages.reduce(0) { $0 + Self.wordCount(Self.text($1)) }
        let answered = Self.wordCount(content)
        return [
            "prompt_tokens": .number(JSONNumber(Int64(asked))),
            "completion_tokens": .number(JSONNumber(Int64(answered))),
            "total_tokens": .number(JSONNumber(Int64(asked + answered))),
        ]
    }

    private static func wordCount(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }
}
