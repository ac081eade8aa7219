import NIOCore
import Policy
import Testing

@testable import Gateway

@Suite("When the patience with an upstream ends")
struct ExchangeDeadlinesTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private static var bounds: UpstreamBounds {
        var bounds = UpstreamBounds()
        bounds.connect = .seconds(1)
        bounds.head = .seconds(10)
        bounds.idle = .seconds(3)
        return bounds
    }

    private func deadlines(total: TimeAmount = .seconds(60)) -> ExchangeDeadlines {
        ExchangeDeadlines(Self.bounds, end: Self.start + total, now: Self.start)
    }

    private func at(_ seconds: Int64) -> NIODeadline { Self.start + .seconds(seconds) }

    @Test("no connection") func connection() {
        let deadlines = deadlines()
        #expect(deadlines.failure(at(2)) == nil)
        #expect(deadlines.failure(at(3)) == .late("no connection within 1000 ms"))
    }

    @Test("no head, whatever comes before it") func head() {
        var deadlines = deadlines()
        deadlines.asked(at(1))
        // A head in drops of a byte is no head.
        deadlines.heard(at(9))
        #expect(deadlines.failure(at(10)) == nil)
        #expect(deadlines.failure(at(11)) == .late("no answer within 10000 ms"))
    }

    @Test("silence in the middle, counted from the last byte") func silence() {
        var deadlines = deadlines()
        deadlines.asked(at(0))
        deadlines.answered(at(1))
        deadlines.heard(at(3))
        #expect(deadlines.failure(at(5)) == nil)
        #expect(deadlines.failure(at(6)) == .late("silent for 3000 ms in the middle of its answer"))
    }

    @Test("silence counts for nothing while nobody reads") func paused() {
        var deadlines = deadlines()
        deadlines.asked(at(0))
        deadlines.answered(at(1))
        deadlines.paused(true, at(2))
        #expect(deadlines.failure(at(30)) == nil)
        deadlines.paused(false, at(30))
        #expect(deadlines.failure(at(32)) == nil)
        #expect(deadlines.failure(at(33))?.denial == .upstreamTimeout)
    }

    @Test("the end of the whole exchange, also while nobody reads") func total() {
        var deadlines = deadlines(total: .seconds(5))
        deadlines.asked(at(0))
        deadlines.answered(at(1))
        deadlines.paused(true, at(2))
        #expect(deadlines.failure(at(4)) == nil)
        #expect(deadlines.failure(at(5)) == .late("not over after 5000 ms"))
    }
}
