import NIOCore
import Web

/// Looks through the beginning of an event stream for the first content: from there on, the call has been served.
///
/// Upstreams answer 200 before they know whether they can: what fails then comes as an error event. And the first event
/// often says only who will speak. So the question is not whether something came, but whether it is an answer.
struct FirstContent {
    enum Finding {
        /// Nothing but comments, roles and empty texts so far.
        case nothing
        case content
        case error
    }

    /// What is held back at most to find out; whatever goes on for longer is content of some kind.
    static let limit = 64 * 1024

    private var unfinished: [UInt8] = []
    private var seen = 0

    /// Looks at the next chunk.
    mutating func look(_ chunk: ByteBuffer) -> Finding {
        unfinished += chunk.readableBytesView
        seen += chunk.readableBytes
        while let event = nextEvent() {
            let finding = Self.finding(event)
            if case .nothing = finding { continue }
            return finding
        }
        return seen > Self.limit ? .content : .nothing
    }

    /// The lines of the next event that has ended. Lines end with CR, LF or both (WHATWG HTML §9.2.5); a blank one ends the
    /// event.
    private mutating func nextEvent() -> [Substring]? {
        let text = String(decoding: unfinished, as: UTF8.self)
        // A CR at the very end may be the first half of a line's end.
        let isCut = unfinished.last == UInt8(ascii: "\r")
        var lines: [Substring] = []
        var rest = text.unicodeScalars[...]
        if isCut { rest = rest.dropLast() }
        while let end = rest.firstIndex(where: { $0 == "\n" || $0 == "\r" }) {
            let line = Substring(rest[..<end])
            var next = rest.index(after: end)
            if rest[end] == "\r", next < rest.endIndex, rest[next] == "\n" { next = rest.index(after: next) }
            rest = rest[next...]
            if line.isEmpty {
                if lines.isEmpty { continue }
                unfinished = Array(String(rest).utf8) + (isCut ? [UInt8(ascii: "\r")] : [])
                return lines
            }
            lines.append(line)
        }
        return nil
    }

    private static func finding(_ lines: [Substring]) -> Finding {
        func values(_ name: String) -> [Substring] {
            lines.filter { $0 == name || $0.hasPrefix(name + ":") }.map {
                let value = $0.dropFirst(name.count + 1)
                return value.first == " " ? value.dropFirst() : value
            }
        }
        if values("event").last == "error" { return .error }
        let data = values("data").joined(separator: "\n")
        if data.isEmpty { return .nothing }
        guard let object = (try? JSON.parse(Array(data.utf8)))?.object else { return .content }
        if let error = object["error"], error != .null { return .error }
        guard let choices = object["choices"]?.array else { return .content }
        return choices.contains(where: isContent) ? .content : .nothing
    }

    /// Whether a choice says more than who speaks.
    private static func isContent(_ choice: JSON) -> Bool {
        guard let choice = choice.object else { return true }
        if let reason = choice["finish_reason"], reason != .null { return true }
        guard let delta = choice["delta"]?.object else { return true }
        return delta.members.contains { member in
            member.name != "role" && ![.null, "", [], [:]].contains(member.value)
        }
    }
}
