import HTTP
import NIOCore
import Wire

/// One connection as a value: what was received, what of the message under way is still to come, what of its answer is
/// still owed, and since when. It does nothing by itself: bytes, turns of the clock and the exchange's words go in, and
/// ``next(isWritable:turns:)`` says what is to be done, one step at a time.
///
/// No clock is read for a message. What has a deadline is seen by ``tick(_:isWritable:)`` every 250 ms, and begins to count
/// when the first tick sees it.
struct LineState: Sendable {
    enum Phase: Sendable, Equatable {
        /// No byte of a message is here.
        case waiting
        /// A part of a head is here.
        case readingHead
        /// A message is under way: its body is still to come, or its answer is owed.
        case serving
        /// The last answer is written, and not all of it has been taken.
        case flushing
        /// Our half is closed. What comes is dropped, until the caller closes too.
        case lingering
        case over
    }

    /// What is to be done next.
    enum Step: Sendable {
        /// A message has begun: somebody has to serve it.
        case begin(RequestHead)
        case deliver(ByteBuffer)
        case deliverEnd
        case callerClosedItsHalf
        /// The line has to answer this itself. The exchange, if there is one, has lost its caller.
        case refuse(Problem)
        /// Our half ends when all is flushed; see ``flushed()``.
        case finish
        /// The connection ends now. The exchange, if there is one, has lost its caller.
        case close
    }

    let bounds: LineBounds
    private var reader: RequestReader
    private var received = ByteBuffer()
    private(set) var phase = Phase.waiting
    private var message: Message?
    private(set) var hasInputEnded = false
    private(set) var isQuiescing = false
    /// Whether the reader has not seen all of what is here.
    private var hasUnread = false
    /// More came than is kept: what is here is served, and then the connection ends.
    private var isCut = false
    private var dropped = 0
    private var clock = LineClock()

    init(bounds: LineBounds) {
        self.bounds = bounds
        reader = RequestReader(bounds.head)
    }

    // MARK: What comes in

    mutating func received(_ bytes: ByteBuffer) {
        switch phase {
        case .over: return
        case .flushing, .lingering:
            dropped += bytes.readableBytes
            clock.moved()
            return
        case .waiting, .readingHead, .serving: break
        }
        if isCut { return }
        hasUnread = true
        if received.readableBytes == 0 {
            received = bytes
        } else if received.readableBytes < most {
            var bytes = bytes
            received.writeBuffer(&bytes)
        } else {
            isCut = true
        }
    }

    /// How many bytes may be here that the reader has not taken.
    private var most: Int {
        guard phase == .serving, let message else { return bounds.head.headBytes }
        return message.isReceived ? bounds.pipelined : bounds.held
    }

    /// Whether more should be read from the caller.
    func wantsBytes(isWritable: Bool) -> Bool {
        if hasInputEnded || isCut { return false }
        switch phase {
        case .waiting, .readingHead: return isWritable || received.readableBytes == 0
        case .serving:
            guard let message else { return false }
            // Behind the message under way no more is kept than one read has brought.
            return message.isReceived
                ? received.readableBytes == 0 : !message.isPaused || message.output == .ended
        case .flushing, .lingering: return dropped <= bounds.drained
        case .over: return false
        }
    }

    mutating func inputEnded() { hasInputEnded = true }

    /// No message is begun any more: the server is about to stop, or the caller has too many connections.
    mutating func quiesce() { isQuiescing = true }

    /// All that was written has been taken by the kernel, after ``Step/finish``.
    /// - Returns: whether our half is to be closed, and the caller's end waited for; otherwise the connection is over.
    mutating func flushed() -> Bool {
        guard phase == .flushing else { return false }
        phase = hasInputEnded ? .over : .lingering
        clock.begin()
        return !hasInputEnded
    }

    mutating func becameWritable() { clock.stalledSince = nil }

    mutating func ended() { phase = .over }

    // MARK: What is to be done

    /// - Parameter turns: how many messages may be begun; see ``LoopTurns``.
    mutating func next(isWritable: Bool, turns: inout Int) -> Step? {
        switch phase {
        case .waiting, .readingHead: nextHead(isWritable, &turns)
        case .serving: nextOfMessage(isWritable, &turns)
        case .flushing: nil
        case .lingering: hasInputEnded || dropped > bounds.drained ? over(.close) : nil
        case .over: nil
        }
    }

    /// Whether a message could be begun if there were a turn.
    func wantsTurn(isWritable: Bool) -> Bool {
        (phase == .waiting || phase == .readingHead) && isWritable && hasUnread && received.readableBytes > 0
    }

    private mutating func nextHead(_ isWritable: Bool, _ turns: inout Int) -> Step? {
        // An answer that was not taken yet holds back the next message.
        guard isWritable else { return nil }
        if isQuiescing { return finish() }
        if received.readableBytes > 0, hasUnread {
            guard turns > 0 else { return nil }
            do {
                if case .head(let head)? = try reader.next(from: &received) {
                    message = Message(head)
                    phase = .serving
                    turns -= 1
                    clock.begin()
                    return .begin(head)
                }
            } catch {
                return refuse(.unreadable(error))
            }
            hasUnread = false
        }
        if hasInputEnded || isCut { return finish() }
        if received.readableBytes > 0 { phase = .readingHead } else { received = ByteBuffer() }
        return nil
    }

    private mutating func nextOfMessage(_ isWritable: Bool, _ turns: inout Int) -> Step? {
        while let message {
            if message.output == .ended {
                if message.closes { return finish() }
                if message.isReceived {
                    self.message = nil
                    phase = .waiting
                    clock.begin()
                    return nextHead(isWritable, &turns)
                }
            }
            if message.isReceived {
                guard hasInputEnded, !message.isHalfClosedTold else { return nil }
                self.message?.isHalfClosedTold = true
                return .callerClosedItsHalf
            }
            if message.isPaused, message.output != .ended { return nil }
            do {
                switch try reader.next(from: &received) {
                case .body(let bytes):
                    self.message?.bodyBytes += bytes.readableBytes
                    if message.output != .ended { return .deliver(bytes) }
                    dropped += bytes.readableBytes
                    if dropped > bounds.drained { return over(.close) }
                case .end:
                    self.message?.isReceived = true
                    dropped = 0
                    if message.output != .ended { return .deliverEnd }
                case .head, nil:
                    // What was cut off is never whole.
                    return hasInputEnded || isCut ? over(.close) : nil
                }
            } catch {
                return message.output == .owed ? refuse(.unreadable(error)) : over(.close)
            }
        }
        return nil
    }

    private mutating func finish() -> Step {
        message = nil
        received = ByteBuffer()
        phase = .flushing
        clock.begin()
        return .finish
    }

    private mutating func refuse(_ problem: Problem) -> Step {
        _ = finish()
        return .refuse(problem)
    }

    private mutating func over(_ step: Step) -> Step {
        phase = .over
        return step
    }

    // MARK: What the exchange says

    /// Of the body, the exchange takes nothing for now.
    mutating func pause() { message?.isPaused = true }
    mutating func resume() { message?.isPaused = false }

    /// Whether `100 Continue` is to be sent now: once, and only to a caller that waits for it.
    mutating func takeContinue() -> Bool { message?.takeContinue() ?? false }

    /// An answer begins.
    /// - Returns: how its body is framed; `nil` when none is owed.
    mutating func begin(answer status: Int, length: Int?) -> AnswerFraming? {
        message?.begin(status, length, mayKeep: !isQuiescing, drained: bounds.drained)
    }

    /// A part of the answer's body is to be written.
    /// - Returns: how; `nil` when it must not be: no answer is under way, or it would be longer than its head says.
    mutating func write(_ count: Int) -> BodyFlow? { message?.write(count) }

    /// The answer is whole.
    /// - Returns: how its body was framed; `nil` when it is shorter than its head says, or none is under way.
    mutating func end() -> BodyFlow? { message?.end() }

    /// The line answers itself, with this as the last answer of the connection.
    mutating func refuses(with problem: Problem) -> Step? {
        phase == .serving && message?.output == .owed ? refuse(problem) : nil
    }

    /// There are more connections than there may be.
    mutating func refusesConnection(with problem: Problem) -> Step { refuse(problem) }

    /// Whether nothing is owed any more to the message that has begun.
    var isAnswered: Bool { phase != .serving || message?.output == .ended }

    /// Whether the end of the connection would look like the end of the answer.
    var flowsUntilClose: Bool { message?.output == .flowing(.untilClose) }

    // MARK: Time

    /// - Returns: what is to be done because a time is over.
    mutating func tick(_ now: NIODeadline, isWritable: Bool) -> Step? {
        // Whoever isn't let is not silent.
        if phase == .serving, !isReceiving || message?.hasMoved() ?? false { clock.moved() }
        clock.look(now, isStalled: !isWritable, isReceiving: isReceiving)
        if clock.stalledSince.map({ now - $0 >= bounds.stall }) ?? false { return over(.close) }
        switch phase {
        case .waiting: return isWritable && clock.age(now) >= bounds.headTime ? over(.close) : nil
        case .readingHead: return isWritable && clock.age(now) >= bounds.headTime ? refuse(.requestTimeout) : nil
        case .serving:
            guard isReceiving, clock.isTooSlow(now, bodyBytes: message?.bodyBytes ?? 0, bounds) else { return nil }
            return message?.output == .owed ? refuse(.requestTimeout) : over(.close)
        case .flushing: return isWritable && clock.age(now) >= bounds.stall ? over(.close) : nil
        case .lingering:
            let isSilent = clock.silence(now) >= bounds.lingerSilence
            return isSilent || clock.age(now) >= bounds.linger ? over(.close) : nil
        case .over: return nil
        }
    }

    /// Whether it is the caller's turn: a body is to come, and somebody takes it.
    private var isReceiving: Bool { message?.isReceiving ?? false }
}
