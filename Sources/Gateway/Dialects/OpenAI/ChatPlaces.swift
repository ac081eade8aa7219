import Applications
import HTTP
import HTTPTypes
import JSON
import Values

/// What one walk through the body of a chat completion call finds, as places in it.
struct ChatPlaces: Sendable {
    /// A member of the body that an app may have a default for.
    struct Parameter: Sendable {
        let name: Text
        let value: Range<Int>
        let isNull: Bool
        /// What goes when it is taken away: itself and the comma that parted it from its neighbour.
        var whole: Range<Int>
    }

    /// The longest name of a model that is looked at, in bytes. No model has one of more than 100.
    private static let longestModel = 200

    private(set) var model: Text?
    private(set) var isStream = false
    private(set) var wantsUsage = false
    private(set) var messages = ChatMessages()
    /// The value of the member `model`.
    private(set) var modelValue: Range<Int>?
    private(set) var parameters: [Parameter] = []
    /// Behind the last member: where more can be added. There is at least one.
    private(set) var end = 0

    init(_ outline: JSONOutline) throws(Problem) {
        guard outline.kind == .object else {
            throw Problem(.badRequest, "malformed_json", "The body must be a JSON object, but is \(outline.kind).")
        }
        var hasMessages = false
        var broken: (model: Problem?, stream: Problem?)
        var cursor = outline.cursor()
        var isInside = cursor.enter()
        while isInside {
            let name = cursor.name()
            let kind = cursor.kind
            if outline.string(name, is: "messages") {
                messages = try ChatMessages(outline, &cursor)
                hasMessages = true
                end = cursor.at
                isInside = cursor.next()
                continue
            }
            let isTrue = cursor.isTrue
            let value = cursor.skip()
            if outline.string(name, is: "model") {
                modelValue = value
                if kind == .string {
                    model = Text(decoding: Array(outline.stringBytes(value).prefix(Self.longestModel)))
                }
                if kind != .string, kind != .null { broken.model = .invalid("model", "must be a string") }
            } else if outline.string(name, is: "stream") {
                isStream = isTrue
                if kind != .bool, kind != .null { broken.stream = .invalid("stream", "must be true or false") }
            } else if kind == .object, outline.string(name, is: "stream_options") {
                wantsUsage = Self.includesUsage(outline, at: value.lowerBound)
            }
            let before = end
            end = value.upperBound
            isInside = cursor.next()
            guard let known = ChatParameters.names.first(where: { outline.string(name, is: $0) }) else { continue }
            let whole = before > 0 ? before..<end : name.lowerBound..<cursor.at
            parameters.append(Parameter(name: known, value: value, isNull: kind == .null, whole: whole))
        }
        guard hasMessages else { throw ChatMessages.missing }
        if let problem = broken.model ?? broken.stream { throw problem }
    }

    private static func includesUsage(_ outline: JSONOutline, at place: Int) -> Bool {
        var cursor = outline.cursor(at: place)
        guard cursor.enter() else { return false }
        repeat {
            let isAsked = outline.string(cursor.name(), is: "include_usage")
            if isAsked { return cursor.isTrue }
            cursor.skip()
        } while cursor.next()
        return false
    }
}
