import Applications
import Catalog
import HTTP
import JSON
import Metering
import Values

/// The body of a chat completion call, as far as the gateway must understand it. Everything else in it belongs to the
/// caller and the upstream, and passes as it came.
struct ChatCall {
    let body: JSONObject
    private let messages: [JSON]
    /// The model that the caller named.
    let model: Text?
    let isStream: Bool

    init(_ body: JSONObject) throws(Problem) {
        self.body = body
        guard case .array(let messages)? = body["messages"], !messages.isEmpty else {
            throw .invalid("messages", "must be a non-empty array of messages")
        }
        for (index, message) in messages.enumerated() {
            guard let object = message.object else { throw .invalid("messages[\(index)]", "must be an object") }
            guard object["role"]?.string != nil else { throw .invalid("messages[\(index)].role", "must be a string") }
        }
        self.messages = messages
        switch body["model"] {
        case nil, .null?: model = nil
        case .string(let name)?: model = name
        default: throw .invalid("model", "must be a string")
        }
        switch body["stream"] {
        case nil, .null?: isStream = false
        case .bool(let flag)?: isStream = flag
        default: throw .invalid("stream", "must be true or false")
        }
    }

    /// The call as the upstream gets it: the app's prompt first, the upstream's name of the model, and the app's
    /// parameters where the caller said nothing.
    /// - Parameter isKept: whether the answer is kept for a repetition of the call.
    func asSentTo(_ route: ModelRoute, by application: Application, isKept: Bool) -> UpstreamCall {
        var sent = body
        sent["model"] = .string(route.upstreamName)
        var messages = messages
        if let prompt = application.chat.systemPrompt {
            messages.insert(["role": "system", "content": .string(prompt)], at: 0)
        }
        sent["messages"] = .array(messages)
        for parameter in application.chat.parameters.object.members where !says(parameter.name) {
            sent[parameter.name] = parameter.value
        }
        return UpstreamCall(
            body: sent, messages: messages, model: route.upstreamName, isStream: isStream,
            wholeLimit: isKept ? StoredAnswer.limit : UpstreamCall.shortAnswer)
    }

    /// Whether the caller has given a parameter, be it under its other name: upstreams refuse a call that has both.
    private func says(_ parameter: Text) -> Bool {
        let limits: [Text] = ["max_tokens", "max_completion_tokens"]
        return (limits.contains(parameter) ? limits : [parameter]).contains { body[$0] != nil }
    }
}

/// A call with nothing left to decide.
struct UpstreamCall: Sendable {
    let body: JSONObject
    let messages: [JSON]
    let model: String
    let isStream: Bool
    /// Up to so many bytes the answer is taken in whole before any of it goes out.
    let wholeLimit: Int

    static let shortAnswer = 64 * 1024
}
