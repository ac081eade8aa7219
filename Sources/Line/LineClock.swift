import NIOCore

/// Since when a connection waits for what, as the ticks see it. So a deadline is late by one tick at most, and a message
/// costs no look at a clock.
struct LineClock: Sendable {
    /// The first tick that saw the present phase.
    private var since: NIODeadline?
    private var movedAt: NIODeadline?
    private var lastTick: NIODeadline?
    /// How long it was the caller's turn to send a body.
    private var receiving: TimeAmount = .zero
    /// The first tick that saw that the caller takes nothing.
    var stalledSince: NIODeadline?

    /// A phase begins.
    mutating func begin() {
        since = nil
        movedAt = nil
        receiving = .zero
    }

    /// Something has come.
    mutating func moved() { movedAt = nil }

    /// - Parameter isReceiving: whether it is the caller's turn to send a body.
    mutating func look(_ now: NIODeadline, isStalled: Bool, isReceiving: Bool) {
        if since == nil { since = now }
        if movedAt == nil { movedAt = now }
        stalledSince = isStalled ? stalledSince ?? now : nil
        if isReceiving, let lastTick { receiving = receiving + (now - lastTick) }
        lastTick = now
    }

    func age(_ now: NIODeadline) -> TimeAmount { since.map { now - $0 } ?? .zero }
    func silence(_ now: NIODeadline) -> TimeAmount { movedAt.map { now - $0 } ?? .zero }

    /// Whether a body has stopped, or comes slower than is borne.
    func isTooSlow(_ now: NIODeadline, bodyBytes: Int, _ bounds: LineBounds) -> Bool {
        if silence(now) >= bounds.silence { return true }
        let seconds = (receiving - bounds.grace).nanoseconds / 1_000_000_000
        return seconds > 0 && bodyBytes < Int(seconds) * bounds.rate
    }
}
