import NIOCore

/// When the patience with one exchange ends. A value: it is told what happens, and says on each tick whether it is too late.
struct ExchangeDeadlines {
    private enum Stage {
        /// For a connection.
        case connection
        /// The request is written; for the head.
        case head
        /// For the next bytes.
        case body
    }

    private let bounds: UpstreamBounds
    private let end: NIODeadline
    private let begun: NIODeadline
    private var stage = Stage.connection
    private var next: NIODeadline
    private var isPaused = false

    /// Finding out why a certificate is refused takes a second connection, after the time for the first has begun.
    static let explaining = TimeAmount.seconds(2)

    /// - Parameter end: when the whole exchange must be over.
    init(_ bounds: UpstreamBounds, end: NIODeadline, now: NIODeadline) {
        self.bounds = bounds
        self.end = end
        begun = now
        next = now + bounds.connect + Self.explaining
    }

    mutating func asked(_ now: NIODeadline) {
        stage = .head
        next = now + bounds.head
    }

    /// Bytes have come, which may be part of a head.
    mutating func heard(_ now: NIODeadline) {
        if stage == .body { next = now + bounds.idle }
    }

    /// The head has come.
    mutating func answered(_ now: NIODeadline) {
        stage = .body
        next = now + bounds.idle
    }

    /// While nobody reads from the upstream, its silence counts for nothing.
    mutating func paused(_ isPaused: Bool, _ now: NIODeadline) {
        self.isPaused = isPaused
        heard(now)
    }

    /// Why the exchange must end now; `nil` while it may go on.
    func failure(_ now: NIODeadline) -> UpstreamFailure? {
        if now >= end { return .late("not over after \((end - begun).inMilliseconds) ms") }
        guard now >= next, !(isPaused && stage == .body) else { return nil }
        switch stage {
        case .connection: return .late("no connection within \(bounds.connect.inMilliseconds) ms")
        case .head: return .late("no answer within \(bounds.head.inMilliseconds) ms")
        case .body: return .late("silent for \(bounds.idle.inMilliseconds) ms in the middle of its answer")
        }
    }
}

extension TimeAmount {
    var inMilliseconds: Int64 { nanoseconds / 1_000_000 }
}
