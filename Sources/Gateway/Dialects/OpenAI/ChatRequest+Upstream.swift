import Applications
import Catalog
import JSON
import NIOCore
import Values

extension ChatRequest {
    func request(to route: ModelRoute, by application: Application, isKept: Bool) -> UpstreamCall {
        UpstreamCall(self, route, application.chat, isKept: isKept)
    }

    /// What the upstream gets: the caller's bytes with the upstream's name of the model, the app's prompt as the first
    /// message, and the app's parameters where the caller said nothing (or null, which says nothing).
    /// - Returns: the parts of the body in their order. Those that are the caller's are slices of what came, not copies.
    func forUpstream(
        model: String, prompt: Text?, parameters: ChatParameters, systemMessages: SystemMessages
    ) -> [ByteBuffer] {
        var edits = [messagesEdit(prompt, systemMessages)].compactMap { $0 }
        var added: [UInt8] = []
        let name = JSON.string(model).encoded()
        if let place = places.modelValue {
            edits.append(Edit(place, name))
        } else {
            added += Self.member("model", name)
        }
        for parameter in parameters.object.members {
            let said = places.parameters.filter { $0.name.isAnother(nameOf: parameter.name) }
            if said.contains(where: { !$0.isNull }) { continue }
            let value = parameter.value.encoded()
            // Null stands for nothing, but a pair of limits with a null in it is still a pair.
            for null in said {
                if null.name == parameter.name {
                    edits.append(Edit(null.value, value))
                } else if parameters.object[null.name] == nil {
                    edits.append(Edit(null.whole, []))
                }
            }
            if !said.contains(where: { $0.name == parameter.name }) { added += Self.member(parameter.name, value) }
        }
        if !added.isEmpty { edits.append(Edit(places.end..<places.end, added)) }
        return spliced(edits)
    }

    private static func member(_ name: Text, _ value: [UInt8]) -> [UInt8] {
        [UInt8(ascii: ",")] + JSON.string(name).encoded() + [UInt8(ascii: ":")] + value
    }

    // MARK: System messages

    private func messagesEdit(_ prompt: Text?, _ systemMessages: SystemMessages) -> Edit? {
        let (start, leading) = (places.messages.start, places.messages.leading)
        if systemMessages == .merge, leading.count + (prompt == nil ? 0 : 1) > 1 {
            return Edit(start..<leading.end, buffer: joined(prompt))
        }
        guard let prompt else { return nil }
        return Edit(
            start..<start,
            Array(#"{"role":"system","content":"#.utf8) + JSON.string(prompt).encoded() + Array("},".utf8))
    }

    /// The app's prompt and the caller's leading system messages as one message: a text with blank lines between them, or
    /// an array of parts where one of them is an array.
    private func joined(_ prompt: Text?) -> ByteBuffer {
        withOutline { outline in
            let prompt = prompt.map { ByteBuffer(bytes: JSON.string($0).encoded()) }
            var size = prompt?.readableBytes ?? 0
            var hasParts = false
            places.messages.forEachLeading(outline) { content in
                size += content.place.count
                hasParts = hasParts || content.kind == .array
            }
            var content = JoinedContent(isParts: hasParts, count: places.messages.leading.count + 1, size: size)
            if let prompt { content.add(.string, prompt) }
            places.messages.forEachLeading(outline) { content.add($0.kind, slice($0.place)) }
            return content.finish()
        }
    }

    // MARK: Splicing

    /// Bytes in the place of others.
    private struct Edit {
        let place: Range<Int>
        let bytes: ByteBuffer

        init(_ place: Range<Int>, buffer: ByteBuffer) {
            self.place = place
            bytes = buffer
        }

        init(_ place: Range<Int>, _ bytes: [UInt8]) { self.init(place, buffer: ByteBuffer(bytes: bytes)) }
    }

    private func spliced(_ edits: [Edit]) -> [ByteBuffer] {
        var parts: [ByteBuffer] = []
        var at = 0
        for edit in edits.sorted(by: { $0.place.lowerBound < $1.place.lowerBound }) {
            parts.append(slice(at..<edit.place.lowerBound))
            parts.append(edit.bytes)
            at = edit.place.upperBound
        }
        parts.append(slice(at..<body.readableBytes))
        return parts.filter { $0.readableBytes > 0 }
    }

    /// The caller's bytes at a place.
    private func slice(_ place: Range<Int>) -> ByteBuffer {
        body.getSlice(at: place.lowerBound, length: place.count) ?? ByteBuffer()
    }
}

extension Text {
    private static let tokenLimits: [Text] = ["max_tokens", "max_completion_tokens"]

    /// Whether two names are for one parameter: upstreams refuse a call that has both.
    fileprivate func isAnother(nameOf other: Text) -> Bool {
        self == other || Self.tokenLimits.contains(self) && Self.tokenLimits.contains(other)
    }
}
