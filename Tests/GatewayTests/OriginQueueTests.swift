import NIOCore
import TestSupport
import Testing

@testable import Gateway

@Suite("Which call gets which connection")
struct OriginQueueTests {
    private final class Connection {}
    private final class Call {}
    private typealias Queue = OriginQueue<Connection, Call>

    private static let later = NIODeadline.uptimeNanoseconds(1_000)

    private func queue(connections: Int = 8, waiting: Int = 8, kept: Int = 8) -> Queue {
        Queue(.init(connections: connections, waiting: waiting, kept: kept))
    }

    @Test("the connection given back last is used first") func lastFirst() {
        var queue = queue()
        let (first, second) = (Connection(), Connection())
        for connection in [first, second] {
            _ = queue.ask(Call()) { _ in true }
            _ = queue.begin()
            _ = queue.made(connection, until: Self.later)
        }
        for connection in [first, second] { _ = queue.give(connection, until: Self.later) }
        guard case .use(let connection) = queue.ask(Call(), isUsable: { _ in true }) else {
            Issue.record("an idle connection was there")
            return
        }
        #expect(connection === second)
    }

    @Test("an idle connection that is not usable is forgotten, and the next one is looked at") func notUsable() {
        var queue = queue()
        let (good, bad) = (Connection(), Connection())
        for connection in [good, bad] {
            _ = queue.ask(Call()) { _ in true }
            _ = queue.begin()
            _ = queue.made(connection, until: Self.later)
        }
        for connection in [good, bad] { _ = queue.give(connection, until: Self.later) }
        guard case .use(let connection) = queue.ask(Call(), isUsable: { $0 !== bad }) else {
            Issue.record("a usable connection was there")
            return
        }
        #expect(connection === good)
        #expect(queue.connections == 1)
    }

    @Test("who has waited longest is served first, by whichever connection is free first") func firstCome() {
        var queue = queue(connections: 1)
        let calls = [Call(), Call(), Call()]
        for call in calls { _ = queue.ask(call) { _ in true } }
        let begun = (queue.begin(), queue.begin())
        #expect(begun == (true, false), "there may be one connection only")
        let connection = Connection()
        var next = queue.made(connection, until: Self.later)
        #expect(next.call === calls[0])
        queue.left(calls[1])
        next = queue.give(connection, until: Self.later)
        #expect(next.call === calls[2])
        next = queue.give(connection, until: Self.later)
        #expect(next.call == nil)
        #expect(queue.idleCount == 1)
    }

    @Test("an attempt that fails is heard of by who has waited longest, and makes room for another") func failed() {
        var queue = queue(connections: 1)
        let calls = [Call(), Call()]
        for call in calls { _ = queue.ask(call) { _ in true } }
        for call in calls {
            let isBegun = queue.begin()
            #expect(isBegun)
            let failed = queue.failed()
            #expect(failed === call)
        }
        let isBegun = queue.begin()
        #expect(!isBegun)
        #expect(queue.isEmpty)
    }

    @Test("more may not wait than the bound says") func full() {
        var queue = queue(connections: 1, waiting: 2)
        for _ in 0..<2 { _ = queue.ask(Call()) { _ in true } }
        guard case .full = queue.ask(Call(), isUsable: { _ in true }) else {
            Issue.record("a third may not wait")
            return
        }
    }

    @Test("idle connections go when their time is over, and beyond the bound at once") func expiry() {
        var queue = queue(kept: 1)
        let (first, second) = (Connection(), Connection())
        for connection in [first, second] {
            _ = queue.ask(Call()) { _ in true }
            _ = queue.begin()
            _ = queue.made(connection, until: Self.later)
        }
        let areKept = (queue.give(first, until: Self.later).isKept, queue.give(second, until: Self.later).isKept)
        #expect(areKept == (true, false))
        let over = (queue.expired(Self.later - .nanoseconds(1)).count, queue.expired(Self.later).count)
        #expect(over == (0, 1))
        #expect(queue.isEmpty)
    }

    /// Random events; after each one the counts are those of a plain record of what happened, and no bound is broken.
    @Test("its counts agree with a plain record of what happened", arguments: Seeds.list(1...20))
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bounds = Queue.Bounds(connections: 5, waiting: 6, kept: 3)
        var queue = Queue(bounds)
        var making = 0
        var idle: [Connection] = []
        var used: [Connection] = []
        var waiting: [Call] = []
        func dial() {
            while queue.begin() { making += 1 }
        }
        func settle(_ connection: Connection, _ next: (call: Call?, isKept: Bool)) {
            if let call = next.call {
                #expect(call === waiting.first)
                waiting.removeFirst()
                used.append(connection)
            } else if next.isKept {
                idle.append(connection)
            } else {
                #expect(idle.count == bounds.kept)
            }
        }
        for _ in 0..<2_000 {
            switch random.below(7) {
            case 0, 1:
                let call = Call()
                switch queue.ask(call, isUsable: { _ in true }) {
                case .use(let connection):
                    #expect(connection === idle.popLast())
                    used.append(connection)
                case .wait:
                    #expect(idle.isEmpty)
                    waiting.append(call)
                case .full: #expect(waiting.count == bounds.waiting)
                }
            case 2 where making > 0:
                making -= 1
                let connection = Connection()
                settle(connection, queue.made(connection, until: Self.later))
            case 3 where making > 0:
                making -= 1
                let call = queue.failed()
                #expect(call === waiting.first)
                if call != nil { waiting.removeFirst() }
            case 4 where !used.isEmpty:
                let connection = used.remove(at: random.below(used.count))
                settle(connection, queue.give(connection, until: Self.later))
            case 5 where !used.isEmpty:
                used.remove(at: random.below(used.count))
                queue.lost()
            case 6 where !waiting.isEmpty: queue.left(waiting.remove(at: random.below(waiting.count)))
            case 6 where !idle.isEmpty: queue.lost(idle: idle.remove(at: random.below(idle.count)))
            default: continue
            }
            dial()
            #expect(queue.making == making)
            #expect(queue.inUse == used.count)
            #expect(queue.idleCount == idle.count)
            #expect(queue.waiting.count == waiting.count)
            #expect(queue.connections <= bounds.connections)
            // Nobody waits while a connection could be made for them.
            #expect(making >= waiting.count || queue.connections == bounds.connections)
        }
    }
}
