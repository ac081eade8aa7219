import NIOCore
import Values

@testable import Wire

/// What a reader made of some bytes: all messages, and how it ended.
struct Reading: Equatable {
    struct Message: Equatable {
        /// The method and target, or the status.
        var start: Text
        /// In order, names as they were written.
        var fields: [[Text]] = []
        var body: [UInt8] = []
        var isWhole = false
        /// How many of the bytes were taken when it was whole.
        var end = 0
        /// Whether it offers to speak another protocol.
        var offersUpgrade = false
    }

    var messages: [Message] = []
    var error: FramingError.Reason?
    /// What the reader didn't take.
    var rest = 0
    /// Whether the last message said that no other follows.
    var isOver = false
}

extension Reading {
    /// - Parameter cuts: how many bytes come at a time, again and again; empty for all at once.
    init(requests bytes: [UInt8], cuts: [Int] = [], bounds: HeadBounds = HeadBounds()) {
        var reader = RequestReader(bounds)
        var received = ByteBuffer()
        var total = 0
        do throws(FramingError) {
            for piece in bytes.cut(cuts) {
                received.writeBytes(piece)
                total += piece.count
                while let event = try reader.next(from: &received) {
                    switch event {
                    case .head(let head):
                        messages.append(
                            Message(
                                start: Text("\(head.method.rawValue) \(String(buffer: ByteBuffer(head.target)))"),
                                fields: head.fields.texts, offersUpgrade: head.fields.offersUpgrade))
                    case .body(let part): messages[messages.count - 1].body += part.readableBytesView
                    case .end:
                        messages[messages.count - 1].isWhole = true
                        messages[messages.count - 1].end = total - received.readableBytes
                    }
                }
            }
        } catch { self.error = error.reason }
        rest = bytes.count - total + received.readableBytes
        isOver = reader.isOver
    }

    /// Of one answer.
    init(answer bytes: [UInt8], to method: RequestMethod, cuts: [Int] = [], bounds: HeadBounds = HeadBounds()) {
        var reader = ResponseReader(to: method, bounds)
        var received = ByteBuffer()
        var total = 0
        do throws(FramingError) {
            for piece in bytes.cut(cuts) {
                received.writeBytes(piece)
                total += piece.count
                while let event = try reader.next(from: &received) { take(event) }
            }
            if let event = try reader.endOfInput() { take(event) }
        } catch { self.error = error.reason }
        rest = bytes.count - total + received.readableBytes
    }

    private mutating func take(_ event: ResponseEvent) {
        switch event {
        case .head(let head): messages.append(Message(start: Text(String(head.status)), fields: head.fields.texts))
        case .body(let part): messages[messages.count - 1].body += part.readableBytesView
        case .end: messages[messages.count - 1].isWhole = true
        }
    }
}

extension FieldLines {
    /// Bytes that are no UTF-8 are read as NIO reads them.
    var texts: [[Text]] {
        var texts: [[Text]] = []
        forEach { name, value in
            texts.append([Text(decoding: name), Text(decoding: value)])
        }
        return texts
    }

    fileprivate var offersUpgrade: Bool { count("upgrade") > 0 && count("connection") + count("proxy-connection") > 0 }
}

extension [UInt8] {
    func cut(_ cuts: [Int]) -> [ArraySlice<UInt8>] {
        guard !cuts.isEmpty else { return [self[...]] }
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < count {
            let end = Swift.min(count, start + cuts[pieces.count % cuts.count])
            pieces.append(self[start..<end])
            start = end
        }
        return pieces
    }
}
