import NIOCore

/// A stream of chat completion chunks while it passes.
///
/// Events pass byte for byte, save that the model's name becomes the public one. An error of the provider's does not
/// pass at all, with or without content before it: its words are the operator's affair, and the driver says it in ours.
struct ChatStream: StreamLook {
    private var reader = EventReader()
    private let renaming: ModelRenaming?
    private(set) var hasContent = false
    private var isFinished = false
    private var isOver = false
    private var isDone = false
    /// Whether the end came with the first half of a line's end.
    private var awaitsLineFeed = false
    /// An event that was read ahead of its turn.
    private var waiting: StreamPiece?

    init(renaming: ModelRenaming?) { self.renaming = renaming }

    mutating func take(_ bytes: ByteBuffer) {
        if !isOver || awaitsLineFeed { reader.take(bytes) }
    }

    mutating func next() -> StreamPiece? {
        if isOver { return afterEnd() }
        if let piece = waiting {
            waiting = nil
            return deliver(piece)
        }
        guard var piece = read() else { return nil }
        // Events that only pass go together: one write for all that came in one packet.
        while hasContent, Self.passes(piece) {
            guard let next = read() else { break }
            guard Self.passes(next), let joined = Self.joined(piece, next) else {
                waiting = next
                break
            }
            piece = joined
        }
        return deliver(piece)
    }

    mutating func finish() {
        if !isOver, reader.hasRest { reader.take(ByteBuffer(string: "\n\n")) }
    }

    func end(isCut: Bool) -> StreamEnd {
        if isDone { return .whole }
        guard hasContent else { return .broken(.streamWithoutContent) }
        return isFinished && !isCut ? .whole : .broken(.streamWithoutEnd)
    }

    // MARK: Pieces

    private mutating func deliver(_ piece: StreamPiece) -> StreamPiece {
        switch piece.finding {
        case .content: hasContent = true
        case .end:
            (isOver, isDone) = (true, true)
            awaitsLineFeed = piece.bytes.readableBytesView.last == UInt8(ascii: "\r")
        case .error: isOver = true
        case .nothing, .keepAlive, .usage: break
        }
        return piece
    }

    private mutating func read() -> StreamPiece? {
        guard let event = reader.next() else { return nil }
        if event.extent == .laterPart { return StreamPiece(finding: .nothing, bytes: event.bytes) }
        if event.isError { return StreamPiece(finding: .error(.told(.unknown)), bytes: ByteBuffer()) }
        if event.data.isEmpty { return StreamPiece(finding: .keepAlive, bytes: event.bytes) }
        return look(at: event)
    }

    private mutating func look(at event: EventReader.Event) -> StreamPiece {
        let (finding, isLast, place) = event.withData { data in
            let look = ChatLook(data)
            let (finding, isLast) = event.extent == .whole ? look.event() : (look.beginning(), false)
            return (finding, isLast, renaming == nil ? nil : look.model())
        }
        isFinished = isFinished || isLast
        if case .error = finding { return StreamPiece(finding: finding, bytes: ByteBuffer()) }
        guard let renaming, let place else { return StreamPiece(finding: finding, bytes: event.bytes) }
        return StreamPiece(finding: finding, bytes: event.bytes.replacing(event.place(ofData: place), with: renaming))
    }

    /// The second half of the line's end after `[DONE]`; what else comes there is nobody's.
    private mutating func afterEnd() -> StreamPiece? {
        guard awaitsLineFeed, let event = reader.next() else { return nil }
        awaitsLineFeed = false
        guard event.extent == .laterPart, event.bytes.readableBytes == 1 else { return nil }
        return StreamPiece(finding: .nothing, bytes: event.bytes)
    }

    private static func passes(_ piece: StreamPiece) -> Bool {
        switch piece.finding {
        case .content, .nothing, .keepAlive, .usage: true
        case .end, .error: false
        }
    }

    private static func joined(_ first: StreamPiece, _ second: StreamPiece) -> StreamPiece? {
        let finding = first.finding == .content || second.finding == .content ? Finding.content : first.finding
        var bytes = first.bytes
        bytes.writeImmutableBuffer(second.bytes)
        return StreamPiece(finding: finding, bytes: bytes)
    }
}
