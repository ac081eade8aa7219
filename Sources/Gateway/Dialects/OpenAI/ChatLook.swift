import JSON
import NIOCore

/// What counts as an answer among OpenAI's chat completions, whole or as events of a stream.
///
/// Answers of many makes of server come here. What they agree on is asked for, and nothing else counts as served: a list
/// `choices`, with a choice that is no error and has content, or a reason for which it is finished.
struct ChatLook {
    private let walk: JSONWalk

    init(_ bytes: UnsafeRawBufferPointer) { walk = JSONWalk(bytes) }

    // MARK: Whole answers

    /// - Parameter isWhole: whether these are all the bytes there are.
    static func look(at body: ByteBuffer, isWhole: Bool) -> Finding {
        body.withUnsafeReadableBytes { ChatLook($0).answer(isWhole: isWhole) }
    }

    private func answer(isWhole: Bool) -> Finding {
        guard let text = walk.text() else { return isWhole ? .error(.empty) : .nothing }
        if text.first == UInt8(ascii: "<") { return .error(.page) }
        guard text.extent != .malformed, text.isObject || text.isArray else { return .error(.noJSON) }
        let members = members(of: text)
        if let fault = fault(of: text, members, isWhole: isWhole) { return .error(.told(fault)) }
        if text.extent == .cut, isWhole { return .error(.halfJSON) }
        let choices = choices(members.choices)
        if choices.hasContent { return .content }
        if choices.hasError { return .error(.told(.unknown)) }
        return text.extent == .cut ? .nothing : .error(.noChoices)
    }

    // MARK: Events

    /// What the data of one event is.
    func event() -> (finding: Finding, isFinished: Bool) {
        guard let text = walk.text() else { return (.nothing, false) }
        if walk.isAll(from: text, "[DONE]") { return (.end, false) }
        // What is no JSON says nothing to a client of this dialect.
        guard text.extent != .malformed, text.isObject || text.isArray else { return (.nothing, false) }
        let members = members(of: text)
        if let fault = fault(of: text, members, isWhole: true) { return (.error(.told(fault)), false) }
        let choices = choices(members.choices)
        if choices.hasError { return (.error(.told(.unknown)), false) }
        // Half a text is no event that anybody could read.
        if choices.hasContent, text.extent == .whole { return (.content, choices.isFinished) }
        if let usage = members.usage, !walk.isBlank(usage) { return (.usage, false) }
        return (.nothing, false)
    }

    /// Whether an event that is too large to be kept is an error, as far as it goes.
    func beginning() -> Finding {
        guard let text = walk.text() else { return .content }
        return fault(of: text, members(of: text), isWhole: false).map { .error(.told($0)) } ?? .content
    }

    /// Where the model's name is, with its quotation marks.
    func model() -> Range<Int>? {
        guard let text = walk.text(), let model = walk.member("model", of: text), model.isString,
            model.extent == .whole
        else { return nil }
        return model.range
    }

    // MARK: Members

    /// What an answer says in its own members, gathered in one walk.
    private struct Members {
        var choices: JSONWalk.Value?
        var usage: JSONWalk.Value?
        /// The member `error`, where it says something.
        var error: JSONWalk.Value?
        /// Whether it says of itself that it is an error.
        var isError = false
        var (hasCode, hasMessage, hasDetail) = (false, false, false)
    }

    private func members(of text: JSONWalk.Value) -> Members {
        var members = Members()
        walk.forEachMember(of: text) { name, value in
            switch name.count {
            case 4:
                if walk.equals(name, "code") {
                    members.hasCode = !walk.isBlank(value)
                } else if walk.equals(name, "type") {
                    members.isError = members.isError || walk.isString(value, "error")
                }
            case 5:
                if walk.equals(name, "error") {
                    if !walk.isBlank(value) { members.error = value }
                } else if walk.equals(name, "usage") {
                    members.usage = members.usage ?? value
                }
            case 6:
                if walk.equals(name, "object") {
                    members.isError = members.isError || walk.isString(value, "error")
                } else if walk.equals(name, "detail") {
                    members.hasDetail = !walk.isBlank(value)
                }
            case 7:
                if walk.equals(name, "choices") {
                    members.choices = members.choices ?? value
                } else if walk.equals(name, "message") {
                    members.hasMessage = !walk.isBlank(value)
                }
            default: break
            }
            return true
        }
        return members
    }

    // MARK: Errors

    /// The error that an object tells in place of an answer; of a list, the one in its first element.
    /// - Parameters:
    ///   - members: of the text; none of a list.
    ///   - isWhole: if not, what is missing may still come.
    private func fault(of text: JSONWalk.Value, _ members: Members, isWhole: Bool) -> ProviderFault? {
        if text.isArray {
            var found: ProviderFault?
            walk.forEachElement(of: text) { element in
                found = element.isObject ? fault(of: element, self.members(of: element), isWhole: isWhole) : nil
                return false
            }
            return found
        }
        if let error = members.error { return ProviderFault(kindIn: error, walk) }
        let hasChoices = members.choices?.isArray ?? false
        let isTold = members.hasCode && members.hasMessage || members.hasDetail
        guard members.isError || isWhole && !hasChoices && isTold else { return nil }
        return ProviderFault(kindIn: text, walk)
    }

    // MARK: Choices

    private struct Choices {
        var hasContent = false
        var hasError = false
        var isFinished = false
    }

    private func choices(_ list: JSONWalk.Value?) -> Choices {
        var choices = Choices()
        guard let list else { return choices }
        walk.forEachElement(of: list) { choice in
            guard choice.isObject else { return true }
            var (isError, hasContent, isFinished, hasPlace) = (false, false, false, false)
            walk.forEachMember(of: choice) { name, value in
                if walk.equals(name, "error") {
                    isError = isError || !walk.isBlank(value)
                } else if walk.equals(name, "finish_reason") {
                    isFinished = value.isString && !walk.isBlank(value) && value.extent == .whole
                    isError = isError || walk.isString(value, "error")
                } else if walk.equals(name, "delta") || walk.equals(name, "message") {
                    hasPlace = hasPlace || value.isObject
                    hasContent = hasContent || saysSomething(value)
                } else if walk.equals(name, "text") {
                    hasPlace = hasPlace || value.isString
                    hasContent = hasContent || value.isString && !walk.isBlank(value)
                }
                return true
            }
            // A reason to be finished belongs to a message, be it an empty one.
            isFinished = isFinished && hasPlace
            choices.hasError = choices.hasError || isError
            choices.hasContent = choices.hasContent || !isError && (hasContent || isFinished)
            choices.isFinished = choices.isFinished || !isError && isFinished
            return true
        }
        return choices
    }

    /// Whether a message, or a piece of one, has more in it than who speaks. The members are those that carry content
    /// with some make of server.
    private func saysSomething(_ message: JSONWalk.Value) -> Bool {
        var found = false
        walk.forEachMember(of: message) { name, value in
            found = Self.content.contains { walk.equals(name, $0) } && !walk.isBlank(value)
            return !found
        }
        return found
    }

    private static let content: [StaticString] = [
        "content", "tool_calls", "reasoning_content", "reasoning", "refusal", "function_call", "reasoning_details",
        "audio", "images", "thinking", "text",
    ]
}
