import Catalog
import JSON
import NIOCore
import Values

/// What the built-in upstream says to one call, and how it says it. It is made from the bytes of the call, and is little
/// more than they are: what the caller said goes back as it was written, without being read or escaped again.
struct EchoReply {
    /// The model that answers, by its public name.
    let model: String
    /// The text of the answer, as the inside of a JSON string.
    let content: ByteBuffer
    /// Words stand in for tokens.
    let asked: Int
    let answered: Int

    /// - Parameters:
    ///   - prompt: the app's, which comes before all other system messages.
    ///   - systemMessages: whether those at the beginning are one.
    init(_ request: ChatRequest, prompt: Text?, model: String, systemMessages: SystemMessages) {
        self.model = model
        (content, asked, answered) = request.withOutline { outline in
            let heard = Heard(outline, request.places.messages, prompt, systemMessages)
            let (before, after) = heard.manner.words
            var content = ByteBuffer()
            content.reserveCapacity(before.utf8.count + after.utf8.count + (heard.said?.place.count ?? 0))
            var answered = WordCount()
            content.writeString(before)
            answered.add(before.unicodeScalars)
            outline.forEachText(of: heard.said) { range, isFirst in
                if !isFirst {
                    content.writeString(" ")
                    answered.end()
                }
                let inner = request.body.getSlice(at: range.lowerBound + 1, length: range.count - 2)
                content.writeImmutableBuffer(inner ?? ByteBuffer())
                answered.add(Scalars(outline.stringBytes(range)))
            }
            content.writeString(after)
            answered.add(after.unicodeScalars)
            return (content, heard.asked, answered.count)
        }
    }

    /// `{"prompt_tokens": …}`
    var usage: JSON {
        [
            "prompt_tokens": JSON(Int64(asked)), "completion_tokens": JSON(Int64(answered)),
            "total_tokens": JSON(Int64(asked + answered)),
        ]
    }

    /// The whole answer.
    func whole() -> ByteBuffer {
        var answer = ByteBuffer()
        answer.reserveCapacity(content.readableBytes + 512)
        answer.writeString(#"{"id":"chatcmpl-echo","object":"chat.completion","created":0,"model":"#)
        answer.writeString(JSON.string(model).text)
        answer.writeString(#","choices":[{"index":0,"message":{"role":"assistant","content":""#)
        answer.writeImmutableBuffer(content)
        answer.writeString(#""},"finish_reason":"stop","logprobs":null}],"usage":\#(usage.text)}"#)
        return answer
    }
}

/// What one walk through the messages of a call hears.
private struct Heard {
    private(set) var manner = EchoManner.plain
    /// The content of the last message of the user's.
    private(set) var said: ChatMessages.Content?
    /// How many words all messages have.
    private(set) var asked = 0

    init(_ outline: JSONOutline, _ messages: ChatMessages, _ prompt: Text?, _ systemMessages: SystemMessages) {
        var words = EchoManner.Words()
        var asked = WordCount()
        if let prompt {
            words.add(prompt.string.unicodeScalars)
            asked.add(prompt.string.unicodeScalars)
        }
        // A manner is looked for in the first system message, which is the app's when it has one.
        let isJoined = systemMessages == .merge
        var hasFirst = prompt != nil
        var index = 0
        messages.forEach(outline) { message in
            let isFirst = message.role == .system && !hasFirst
            let isManner = isFirst || isJoined && index < messages.leading.count
            if isFirst { hasFirst = true }
            if message.role == .user { said = message.content }
            outline.forEachText(of: message.content) { range, _ in
                asked.end()
                asked.add(Scalars(outline.stringBytes(range)))
                if isManner {
                    words.end()
                    words.add(Scalars(outline.stringBytes(range)))
                }
            }
            index += 1
        }
        words.end()
        manner = words.manner
        self.asked = asked.count
    }
}

extension JSONOutline {
    /// Goes through the texts of a message's content: a string, or the text parts of an array.
    fileprivate func forEachText(
        of content: ChatMessages.Content?, _ body: (_ string: Range<Int>, _ isFirst: Bool) -> Void
    ) {
        guard let content else { return }
        if content.kind == .string { return body(content.place, true) }
        var cursor = cursor(at: content.place.lowerBound)
        guard content.kind == .array, cursor.enter() else { return }
        var isFirst = true
        repeat {
            guard cursor.kind == .object else {
                cursor.skip()
                continue
            }
            guard cursor.enter() else { continue }
            repeat {
                let isText = string(cursor.name(), is: "text") && cursor.kind == .string
                let value = cursor.skip()
                if isText {
                    body(value, isFirst)
                    isFirst = false
                }
            } while cursor.next()
        } while cursor.next()
    }
}
