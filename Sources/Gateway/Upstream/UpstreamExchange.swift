import NIOCore
import Wire

/// One request to an upstream and its answer. Used on its event loop only.
package final class UpstreamExchange {
    private let pool: UpstreamPool
    let lane: OriginLane
    /// `nil` once the exchange is over.
    private var listener: (any UpstreamListener)?
    /// Has yet to hear of a failure.
    private var unheard: (any UpstreamListener)?
    /// `nil` once it was handed to a connection: it is never sent a second time.
    private var request: UpstreamRequest?
    private var connection: UpstreamConnection?
    private var body: AnswerBody?
    private var isReturned = false
    private(set) var isPaused = false
    private(set) var deadlines: ExchangeDeadlines
    /// Its place in the pool's list of exchanges.
    var place = 0

    init(_ request: UpstreamRequest, _ lane: OriginLane, _ pool: UpstreamPool, _ listener: any UpstreamListener) {
        self.pool = pool
        self.lane = lane
        self.listener = listener
        self.request = request
        deadlines = ExchangeDeadlines(pool.bounds, end: request.end, now: pool.now)
    }

    var isOver: Bool { listener == nil }

    // MARK: For the caller of the upstream

    /// Ends it without another word; a connection that was used for it is closed.
    package func cancel() {
        unheard = nil
        guard let connection = end() else { return }
        connection.abandon()
    }

    /// No more of the body comes until ``resumeReading()``, but for a failure. The upstream is held back by the window of
    /// its connection.
    package func pauseReading() {
        guard !isOver, !isPaused else { return }
        isPaused = true
        deadlines.paused(true, pool.now)
    }

    /// May be called from within the listener's methods.
    package func resumeReading() {
        guard !isOver, isPaused else { return }
        isPaused = false
        deadlines.paused(false, pool.now)
        connection?.resume()
    }

    // MARK: For the pool

    /// `send` has returned; from here on the listener may be called.
    func returned() { isReturned = true }

    /// It has got a connection.
    /// - Returns: what to write on it.
    func begin(on connection: UpstreamConnection) -> UpstreamRequest? {
        self.connection = connection
        deadlines.asked(pool.now)
        return request.take()
    }

    /// Ends it with a failure; a connection that was used for it is closed.
    func fail(_ failure: UpstreamFailure) {
        guard let listener else { return }
        end()?.abandon()
        if isReturned { return listener.upstreamFailed(failure) }
        // The caller of `send` does not have this object yet. It may still cancel it.
        unheard = listener
        let later = NIOLoopBound(self, eventLoop: pool.eventLoop)
        pool.eventLoop.execute { later.value.unheard.take()?.upstreamFailed(failure) }
    }

    // MARK: For the connection

    func heard() { deadlines.heard(pool.now) }

    func take(_ head: ResponseHead) {
        deadlines.answered(pool.now)
        do {
            let body = try AnswerBody(head, limit: pool.bounds.answerBytes)
            self.body = body
            listener?.upstream(head: head, length: body.length)
        } catch {
            fail(error)
        }
    }

    func take(_ bytes: ByteBuffer) {
        do {
            if let piece = try body?.take(bytes), !isOver { listener?.upstream(body: piece) }
        } catch {
            fail(error)
        }
    }

    /// Gives out one piece of what has come but is still compressed.
    /// - Returns: `false` when there is none.
    func takeExpanded() -> Bool {
        do {
            guard let piece = try body?.expanded() else { return false }
            listener?.upstream(body: piece)
        } catch {
            fail(error)
        }
        return true
    }

    /// What is wrong with an answer that ends here.
    var failureAtEnd: UpstreamFailure? { body?.failureAtEnd }

    /// The answer is whole, and the connection is done with it.
    func finish() {
        guard let listener else { return }
        end()
        listener.upstreamEnded()
    }

    /// Leaves every place where it is known.
    /// - Returns: the connection that it had.
    @discardableResult
    private func end() -> UpstreamConnection? {
        guard !isOver else { return nil }
        listener = nil
        request = nil
        body = nil
        pool.remove(self)
        guard let connection else {
            lane.left(self)
            return nil
        }
        self.connection = nil
        return connection
    }
}
