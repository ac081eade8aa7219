import JSON
import NIOCore
import Values

/// Looks through the beginning of an event stream for the first content: from there on, the call has been served.
///
/// Upstreams answer 200 before they know whether they can answer. A later failure comes as an error event. And the
/// first event often has only the role of the speaker. So it does not count that something came, but that it is
/// content.
struct FirstContent {
    enum Finding {
        /// Nothing but comments, roles and empty texts so far.
        case nothing
        case content
        case error
    }

    /// What is held back at most to find out; whatever goes on for longer is content of some kind.
    static let limit = 64 * 1024

    /// Of the event that has not ended.
    private var lines: [Text] = []
    private var line: [UInt8] = []
    private var isAfterCR = false
    private var seen = 0

    /// Looks at the next chunk. Lines end with CR, LF or both (WHATWG HTML §9.2.5); a blank one ends the event.
    mutating func look(_ chunk: ByteBuffer) -> Finding {
        seen += chunk.readableBytes
        for byte in chunk.readableBytesView {
            let isEnd = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
            defer { isAfterCR = byte == UInt8(ascii: "\r") }
            if isAfterCR, byte == UInt8(ascii: "\n") { continue }
            if !isEnd {
                line.append(byte)
            } else if !line.isEmpty {
                lines.append(Text(decoding: line))
                line.removeAll(keepingCapacity: true)
            } else {
                defer { lines.removeAll(keepingCapacity: true) }
                let finding = Self.finding(lines)
                if finding != .nothing { return finding }
            }
        }
        return seen > Self.limit ? .content : .nothing
    }

    private static func finding(_ lines: [Text]) -> Finding {
        func values(_ name: Text) -> [Text] {
            lines.compactMap { line in
                guard let (field, value) = line.split(atFirst: ":") else { return line == name ? "" : nil }
                guard field == name else { return nil }
                return value.hasPrefix(" ") ? Text(value.string.utf8.dropFirst()) : value
            }
        }
        if values("event").last == "error" { return .error }
        let data = Text(values("data").map(\.string).joined(separator: "\n"))
        if data.isEmpty || data == "[DONE]" { return .nothing }
        guard let object = (try? JSON.parse(data.utf8))?.object else { return .content }
        if let error = object["error"], error != .null { return .error }
        if object["object"] == "error" { return .error }
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
