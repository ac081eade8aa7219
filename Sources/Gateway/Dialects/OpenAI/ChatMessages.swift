import HTTP
import JSON
import Values

/// The messages of a call, as places in its body.
struct ChatMessages: Sendable {
    struct Content: Sendable {
        let kind: JSONKind
        let place: Range<Int>
    }

    /// One message, as far as anybody here looks into it.
    struct Message {
        enum Role { case system, user, other }

        let place: Range<Int>
        let role: Role
        /// Its content, if it has any.
        let content: Content?

        /// Whether it is a system message that can be joined with another.
        var isJoinable: Bool { role == .system && (content?.kind == .string || content?.kind == .array) }
    }

    /// The first message: what comes before all others is put in here.
    private(set) var start = 0
    /// How many system messages the caller's begin with that can be joined, and where the last of these ends.
    private(set) var leading = (count: 0, end: 0)

    /// For a body whose messages have not been found yet.
    init() {}

    static let missing = Problem.invalid("messages", "must be a non-empty array of messages")

    /// - Parameter cursor: stands at the value of `messages`, and then behind it.
    init(_ outline: JSONOutline, _ cursor: inout JSONCursor) throws(Problem) {
        guard cursor.kind == .array, cursor.enter() else { throw Self.missing }
        start = cursor.at
        var index = 0
        repeat {
            guard cursor.kind == .object else { throw .invalid("messages[\(index)]", "must be an object") }
            guard let message = Message(outline, &cursor) else {
                throw .invalid("messages[\(index)].role", "must be a string")
            }
            if leading.count == index, message.isJoinable { leading = (index + 1, message.place.upperBound) }
            index += 1
        } while cursor.next()
    }

    /// Goes through the messages in their order.
    func forEach(_ outline: JSONOutline, _ body: (Message) -> Void) {
        var cursor = outline.cursor(at: start)
        repeat {
            if let message = Message(outline, &cursor) { body(message) }
        } while cursor.next()
    }

    /// Goes through the system messages at the beginning that can be joined.
    func forEachLeading(_ outline: JSONOutline, _ body: (Content) -> Void) {
        var cursor = outline.cursor(at: start)
        for _ in 0..<leading.count {
            if let content = Message(outline, &cursor)?.content { body(content) }
            _ = cursor.next()
        }
    }
}

extension ChatMessages.Message {
    /// - Parameter cursor: stands at an object, and then behind it.
    /// - Returns: `nil` when its role is no string.
    fileprivate init?(_ outline: JSONOutline, _ cursor: inout JSONCursor) {
        let start = cursor.at
        var role: Role?
        var content: ChatMessages.Content?
        if cursor.enter() {
            repeat {
                let name = cursor.name()
                let kind = cursor.kind
                let value = cursor.skip()
                if kind == .string, outline.string(name, is: "role") {
                    role =
                        outline.string(value, is: "system")
                        ? .system : outline.string(value, is: "user") ? .user : .other
                } else if outline.string(name, is: "content") {
                    content = .init(kind: kind, place: value)
                }
            } while cursor.next()
        }
        guard let role else { return nil }
        self.init(place: start..<cursor.at, role: role, content: content)
    }
}
