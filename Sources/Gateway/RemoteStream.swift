import NIOCore
import Policy

/// A stream of an upstream's, looked at while it passes.
///
/// Unchecked for the reason that ``RemoteBody`` is: one task at a time.
final class RemoteStream: @unchecked Sendable {
    /// One step of its way to the caller.
    enum Step {
        case passes(ByteBuffer)
        /// The end for who reads it: not before the charge is durable.
        case last(ByteBuffer)
    }

    /// The most that is held back to find out whether there is content.
    static let mostHeldBack = 64 * 1024

    /// Up to the first content, piece by piece.
    private(set) var beginning: [ByteBuffer] = []
    private var look: ChatStream
    private let body: RemoteBody
    private var isFinished = false
    /// Hears why a stream that had begun is not whole.
    private let onFault: @Sendable (AnswerFault) -> Void

    init(_ body: RemoteBody, _ look: ChatStream, onFault: @escaping @Sendable (AnswerFault) -> Void) {
        self.body = body
        self.look = look
        self.onFault = onFault
        self.look.take(body.beginning)
    }

    /// Reads up to the first content.
    /// - Returns: why there is none.
    func begin() async throws -> AnswerFault? {
        var held = 0
        while true {
            while let piece = look.next() {
                switch piece.finding {
                case .error(let fault): return fault
                case .end: return .streamWithoutContent
                case .content, .nothing, .keepAlive, .usage:
                    beginning.append(piece.bytes)
                    held += piece.bytes.readableBytes
                    if piece.finding == .content { return nil }
                    if held > Self.mostHeldBack { return .undecided(bytes: held) }
                }
            }
            guard try await more() else { return .streamWithoutContent }
        }
    }

    /// The next step after the beginning; `nil` when the caller has had all.
    func next() async throws -> Step? {
        do {
            while true {
                while let piece = look.next() {
                    switch piece.finding {
                    case .error(let fault): throw fail(fault)
                    case .end: return .last(piece.bytes)
                    case .content, .nothing, .keepAlive, .usage: return .passes(piece.bytes)
                    }
                }
                if try await !more() { break }
            }
        } catch let denial as Denial where look.end(isCut: true) != .whole {
            throw denial
        } catch is Denial {
            // Whatever came after its end.
            return nil
        }
        if case .broken(let fault) = look.end(isCut: false) { throw fail(fault) }
        return nil
    }

    /// Feeds what comes next; `false` when there is no more.
    private func more() async throws -> Bool {
        if isFinished { return false }
        if let chunk = try await body.next() {
            look.take(chunk)
        } else {
            isFinished = true
            look.finish()
        }
        return true
    }

    private func fail(_ fault: AnswerFault) -> Denial {
        onFault(fault)
        return .upstreamFailed
    }
}
