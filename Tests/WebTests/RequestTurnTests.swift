import NIOCore
import NIOEmbedded
import Testing
import Values

@testable import Web

@Suite("The turn of a request")
struct RequestTurnTests {
    private let loop = EmbeddedEventLoop()
    private let turns = RequestTurns(perAddress: 1)
    private let notes = Notes()

    /// What was done with turns, and in which order.
    private final class Notes {
        var done: [String] = []
    }

    private func turn(_ address: String? = "198.51.100.1", isProbe: Bool = false) -> RequestTurn {
        let site = address.flatMap { IPAddress($0) }?.site
        return RequestTurn(of: isProbe ? .probe(site) : .site(site), in: turns, on: loop)
    }

    private func note(_ text: String) -> () -> Void { { [notes] in notes.done.append(text) } }

    /// What was done since this was last asked.
    private func done() -> [String] {
        loop.run()
        defer { notes.done = [] }
        return notes.done
    }

    @Test("it is had until it is ended, and then it is the next one's") func inTurn() {
        let (first, second, third) = (turn(), turn(), turn())
        first.take(note("1"))
        second.take(note("2"))
        third.take(note("3"))
        #expect(done() == ["1"])
        first.end()
        #expect(done() == ["2"])
        second.end()
        second.end()
        #expect(done() == ["3"])
        third.end()
        #expect(turns.owners == 0)
    }

    @Test("others have it while its caller is slow, and it goes on behind them") func givenUp() {
        let (first, second) = (turn(), turn())
        first.take(note("1"))
        second.take(note("2"))
        first.giveUp()
        first.take(note("1 again"))
        #expect(done() == ["1", "2"])
        second.end()
        #expect(done() == ["1 again"])
        first.end()
        #expect(turns.owners == 0)
    }

    @Test("addresses don't wait for each other, and one customer's are one")
    func owners() {
        let all = [
            turn(), turn("198.51.100.2"), turn(nil), turn("2001:db8:1::1"), turn(isProbe: true),
            turn(nil, isProbe: true),
        ]
        for turn in all { turn.take(note("at once")) }
        #expect(done().count == all.count)
        let later = [turn("::ffff:198.51.100.1"), turn(nil), turn("2001:db8:1:ffff::2"), turn(isProbe: true)]
        for turn in later { turn.take(note("later")) }
        #expect(done() == [])
        for turn in all { turn.end() }
        #expect(done().count == later.count)
        for turn in later { turn.end() }
        #expect(turns.owners == 0)
    }

    @Test("who leaves before its turn has none") func leaving() {
        let (first, second, third) = (turn(), turn(), turn())
        for (turn, name) in zip([first, second, third], ["1", "2", "3"]) { turn.take(note(name)) }
        second.end()
        first.end()
        #expect(done() == ["1", "3"])
        third.end()
        #expect(turns.owners == 0)
    }

    @Test("who leaves while its turn is on its way passes it on") func leavingAsItComes() {
        let (first, second, third) = (turn(), turn(), turn())
        for (turn, name) in zip([first, second, third], ["1", "2", "3"]) { turn.take(note(name)) }
        first.end()
        // The loop has not run: the turn is the second's, who doesn't know it yet.
        second.end()
        #expect(done() == ["1", "3"])
        third.end()
        #expect(turns.owners == 0)
    }

    @Test("who waits too long is told so, if that can still be said") func tooLate() {
        let (first, second, third) = (turn(), turn(), turn())
        first.take(note("1"))
        second.take(note("2"), tooLate: note("2 too late"))
        third.take(note("3"))
        let began = NIODeadline.uptimeNanoseconds(1_000_000_000)
        for quarter in 0..<120 {
            for turn in [first, second, third] { turn.tick(began + .milliseconds(250) * Int64(quarter)) }
        }
        #expect(done() == ["1"])
        for turn in [first, second, third] { turn.tick(began + RequestTurn.longestWait) }
        #expect(done() == ["2 too late"])
        // It goes on without a turn, and gives none back.
        second.giveUp()
        second.end()
        #expect(done() == [])
        first.end()
        #expect(done() == ["3"])
        third.end()
        #expect(turns.owners == 0)
    }

    @Test("whose turn is on its way is not too late") func justInTime() {
        let (first, second) = (turn(), turn())
        let began = NIODeadline.uptimeNanoseconds(1_000_000_000)
        first.take(note("1"))
        second.take(note("2"), tooLate: note("2 too late"))
        second.tick(began)
        first.end()
        second.tick(began + RequestTurn.longestWait)
        #expect(done() == ["1", "2"])
        second.end()
        #expect(turns.owners == 0)
    }

    @Test("a turn that nobody ended is not lost") func forgotten() {
        var first: RequestTurn? = turn()
        first?.take(note("1"))
        let second = turn()
        second.take(note("2"))
        first = nil
        #expect(done() == ["1", "2"])
    }
}
