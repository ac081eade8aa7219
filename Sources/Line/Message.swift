import NIOCore
import Wire

/// How the end of an answer's body is known to the caller.
enum BodyFlow: Sendable, Equatable {
    /// There is none, whatever is written: an answer to `HEAD`, 204 or 304.
    case bodyless
    /// So many bytes are still to be written.
    case length(Int)
    case chunked
    /// With the end of the connection: for HTTP/1.0, which knows no chunks.
    case untilClose
}

/// What the line says of an answer in its head.
struct AnswerFraming: Sendable, Equatable {
    enum Connection: Sendable { case unsaid, close, keepAlive }

    var flow: BodyFlow
    /// For `Content-Length`.
    var length: Int?
    var connection: Connection
}

/// The message under way and its answer.
struct Message: Sendable {
    enum Output: Sendable, Equatable {
        /// Nothing of the answer has been written.
        case owed
        case flowing(BodyFlow)
        case ended
    }

    private let version: HTTPVersion
    private let isHead: Bool
    private let keepsAlive: Bool
    private let declared: Int?
    private var awaitsContinue: Bool
    var isReceived = false
    var isPaused = false
    var bodyBytes = 0
    private var bodyBytesSeen = 0
    var isHalfClosedTold = false
    private(set) var output = Output.owed
    /// Whether the connection ends after this answer.
    private(set) var closes = false

    init(_ head: RequestHead) {
        version = head.version
        isHead = head.method == .head
        keepsAlive = head.keepsAlive
        awaitsContinue = head.expectsContinue
        declared = if case .length(let length) = head.framing { length } else { nil }
    }

    /// Whether it is the caller's turn. Who waits for 100 isn't slow.
    var isReceiving: Bool {
        !isReceived && (output == .ended || !isPaused && !(awaitsContinue && bodyBytes == 0))
    }

    /// Whether something of the body has come since this was last asked.
    mutating func hasMoved() -> Bool {
        defer { bodyBytesSeen = bodyBytes }
        return bodyBytes != bodyBytesSeen
    }

    mutating func takeContinue() -> Bool {
        // Who has sent a part of the body waits no longer (RFC 9110 §10.1.1).
        guard awaitsContinue, output == .owed else { return false }
        awaitsContinue = false
        return bodyBytes == 0 && !isReceived
    }

    mutating func begin(_ status: Int, _ length: Int?, mayKeep: Bool, drained: Int) -> AnswerFraming? {
        guard output == .owed else { return nil }
        let hasBody = !isHead && status != 204 && status != 304
        let flow: BodyFlow =
            if !hasBody { .bodyless } else if let length { .length(length) } else if version == .http11 {
                .chunked
            } else {
                .untilClose
            }
        closes = !keepsAlive || !mayKeep || flow == .untilClose || !isRestBearable(drained)
        output = .flowing(flow)
        return AnswerFraming(
            flow: flow, length: status == 204 ? nil : length,
            connection: closes ? .close : version == .http10 ? .keepAlive : .unsaid)
    }

    /// Whether the rest of the body will come, and can be dropped, so that another message can follow. Who still waits for
    /// 100 may send the body or may not: nobody can know what comes next.
    private func isRestBearable(_ drained: Int) -> Bool {
        if isReceived { return true }
        if awaitsContinue, bodyBytes == 0 { return false }
        return declared.map { $0 - bodyBytes <= drained } ?? true
    }

    mutating func write(_ count: Int) -> BodyFlow? {
        guard case .flowing(let flow) = output else { return nil }
        if case .length(let left) = flow {
            guard count <= left else { return nil }
            output = .flowing(.length(left - count))
        }
        return flow
    }

    mutating func end() -> BodyFlow? {
        guard case .flowing(let flow) = output else { return nil }
        if case .length(let left) = flow, left > 0 { return nil }
        output = .ended
        return flow
    }
}
