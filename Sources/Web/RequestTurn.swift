import NIOCore

/// The turn of one request among those of its address. It is had while the server works for the request, and given up
/// while the caller has to send or to take something: who is slow holds up nobody.
///
/// It lives on the event loop of its connection.
final class RequestTurn {
    private enum State {
        case none
        case waiting(RequestTurns.Table.Ticket, Wait)
        case had
        /// There is no turn for it any more.
        case over
    }

    private struct Wait {
        let work: () -> Void
        let tooLate: (() -> Void)?
        /// The first tick that saw it.
        var since: NIODeadline?
    }

    /// The longest wait of who can be refused. A turn can last as long as a hash may be waited for, so this is longer.
    static let longestWait = TimeAmount.seconds(30)

    private let owner: RequestTurns.Owner
    private let turns: RequestTurns
    private let eventLoop: any EventLoop
    private var state = State.none

    init(of owner: RequestTurns.Owner, in turns: RequestTurns, on eventLoop: any EventLoop) {
        self.owner = owner
        self.turns = turns
        self.eventLoop = eventLoop
    }

    /// A turn that nobody has ended would be missing for ever.
    deinit { end() }

    /// Does this with a turn: now, or when it comes.
    /// - Parameter tooLate: is done instead, without a turn, after ``longestWait``; `nil` for who waits as long as it takes.
    func take(_ work: @escaping () -> Void, tooLate: (() -> Void)? = nil) {
        guard case .none = state else { return work() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let ticket = turns.ask(owner) { [eventLoop] in eventLoop.execute { bound.value.hasCome() } }
        if let ticket {
            state = .waiting(ticket, Wait(work: work, tooLate: tooLate))
        } else {
            state = .had
            work()
        }
    }

    /// For now, it is another's turn.
    func giveUp() {
        guard case .had = state else { return }
        state = .none
        turns.end(owner)
    }

    /// For good.
    func end() {
        let before = state
        state = .over
        switch before {
        case .had: turns.end(owner)
        // If it has come already, it is ended where it arrives.
        case .waiting(let ticket, _): _ = turns.leave(ticket)
        case .none, .over: break
        }
    }

    /// Every now and then.
    func tick(_ now: NIODeadline) {
        guard case .waiting(let ticket, var wait) = state, let tooLate = wait.tooLate else { return }
        let since = wait.since ?? now
        wait.since = since
        state = .waiting(ticket, wait)
        guard now - since >= Self.longestWait, turns.leave(ticket) else { return }
        state = .none
        tooLate()
    }

    private func hasCome() {
        guard case .waiting(_, let wait) = state else { return turns.end(owner) }
        state = .had
        wait.work()
    }
}
