import JSON
import TestSupport
import Values

/// A chat completion call by chance, an app's settings, and the tree that both make together.
struct RandomCall {
    private(set) var text: [UInt8] = []
    let prompt: Text?
    let parameters: JSONObject
    private(set) var expected: JSONObject = [:]

    init(_ random: inout SplitMix64) {
        prompt = random.chance(50) ? "You are a \"cat\"." : nil
        var parameters = JSONObject()
        for (name, value) in [("temperature", 1), ("seed", 7), ("max_tokens", 100)] as [(String, JSON)] {
            if random.chance(40) { parameters[name] = value }
        }
        self.parameters = parameters
        let body = Self.body(&random)
        expected = Self.expected(body, prompt, parameters)
        text = Self.written(.object(body), &random)
    }

    private static func body(_ random: inout SplitMix64) -> JSONObject {
        var names = ["messages"]
        for name in ["model", "stream", "temperature", "seed", "max_tokens", "max_completion_tokens", "x", "stop", "é"]
        {
            if random.chance(40) { names.insert(name, at: random.below(names.count + 1)) }
        }
        var body = JSONObject()
        for name in names {
            switch name {
            case "messages":
                body[name] = .array((0...random.below(3)).map { _ in message(&random) })
            case "model": body[name] = random.pick(["m", nil])
            case "stream": body[name] = random.pick([true, false, nil])
            default: body[name] = random.pick([nil, 5, "a\"b", ["c": [1, [], [:]]]])
            }
        }
        return body
    }

    private static func message(_ random: inout SplitMix64) -> JSON {
        [
            "content": random.pick(["hi", ["type": "text"], nil, "{\"messages\":[]}"]),
            "role": .string(random.pick(["user", "system", "assistant"])),
        ]
    }

    /// As a tree would be changed.
    private static func expected(_ body: JSONObject, _ prompt: Text?, _ parameters: JSONObject) -> JSONObject {
        var sent = body
        sent["model"] = "up"
        if let prompt {
            sent["messages"] = .array(
                [["role": "system", "content": .string(prompt)]] + (body["messages"]?.array ?? []))
        }
        func isSaid(_ name: Text) -> Bool { body[name] != nil && body[name] != .null }
        for parameter in parameters.members {
            if parameter.name == "max_tokens" {
                if isSaid("max_tokens") || isSaid("max_completion_tokens") { continue }
                sent[Text("max_completion_tokens")] = nil
            } else if isSaid(parameter.name) {
                continue
            }
            sent[parameter.name] = parameter.value
        }
        return sent
    }

    /// With blanks between the tokens, and some names escaped.
    private static func written(_ value: JSON, _ random: inout SplitMix64) -> [UInt8] {
        func blank(_ random: inout SplitMix64) -> [UInt8] {
            random.chance(20) ? Array(random.pick([" ", "\n\t"]).utf8) : []
        }
        var text = blank(&random)
        switch value {
        case .array(let elements):
            text += "[".utf8
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ",".utf8 }
                text += written(element, &random)
            }
            text += blank(&random) + "]".utf8
        case .object(let object):
            text += "{".utf8
            for (index, member) in object.members.enumerated() {
                if index > 0 { text += ",".utf8 }
                var name = JSON.string(member.name).encoded()
                if random.chance(20), name[1] == UInt8(ascii: "m") { name.replaceSubrange(1...1, with: "\\u006d".utf8) }
                text += blank(&random) + name + blank(&random) + ":".utf8 + written(member.value, &random)
            }
            text += blank(&random) + "}".utf8
        default: text += value.encoded()
        }
        return text + blank(&random)
    }
}
