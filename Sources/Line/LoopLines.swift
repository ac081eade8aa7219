import NIOCore
import Values
import Wire

/// The lines of one event loop, and the one tick that looks after all of their deadlines.
///
/// Unchecked: it is made under a lock, and all else of it is only touched on its event loop.
final class LoopLines: @unchecked Sendable {
    private let eventLoop: any EventLoop
    private let clock: Clock
    let turns: LoopTurns
    private var lines: [ObjectIdentifier: Line] = [:]
    private var tick: RepeatedTask?
    private var second: Int64 = .min
    /// The `Date` field of the last second that a tick has seen.
    private(set) var date: FieldBlock?

    static let interval = TimeAmount.milliseconds(250)

    init(_ eventLoop: any EventLoop, clock: Clock) {
        self.eventLoop = eventLoop
        self.clock = clock
        turns = LoopTurns(eventLoop)
    }

    func add(_ line: Line) {
        eventLoop.preconditionInEventLoop()
        lines[ObjectIdentifier(line)] = line
        guard tick == nil else { return }
        writeDate()
        // Only while there is somebody to look after: an idle server wakes up for nothing.
        tick = eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { [weak self] _ in
            self?.lookAround()
        }
    }

    func remove(_ line: Line) {
        lines[ObjectIdentifier(line)] = nil
        guard lines.isEmpty else { return }
        tick?.cancel()
        tick = nil
    }

    private func lookAround() {
        writeDate()
        let now = eventLoop.now
        // A copy: a line that ends takes itself out.
        for line in Array(lines.values) { line.tick(now) }
    }

    private func writeDate() {
        let now = clock.now()
        guard now.seconds != second else { return }
        second = now.seconds
        date = try? FieldBlock { (fields) throws(UnwritableField) in try fields.field("Date", text: now.httpDate) }
    }
}
