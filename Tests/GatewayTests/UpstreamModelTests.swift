import Foundation
import NIOCore
import NIOEmbedded
import Policy
import TestSupport
import Testing

@testable import Gateway

/// The same scripts as in ``UpstreamFuzzTests``, without sockets and on a clock of our own: some thousand exchanges a second, in
/// an order that the seed decides alone.
@Suite("Random and hostile upstreams, by a clock that stands still")
struct UpstreamModelTests {
    @Test("what is right is read right, each exchange ends once, and nothing is left over") func fuzz() throws {
        let begin = FuzzLength.used
        for seed in FuzzLength.seeds(1...150) {
            var world = World(seed)
            for _ in 0..<150 { try world.step() }
            try world.finish()
            if FuzzLength.isLong, FuzzLength.isOver(since: begin) { break }
        }
    }

    /// One connection, as the upstream has it.
    private final class End {
        let channel: EmbeddedChannel
        var acts: [Act] = []
        /// It has done something that is not HTTP: what it says from now on is not held against us.
        var isTainted = false

        init(_ channel: EmbeddedChannel) { self.channel = channel }
    }

    private struct Asked {
        let heard: HeardAnswer
        /// `nil` for a hostile answer.
        let right: UpstreamScripts.Right?
        let seed: UInt64
        var end: End?
        var isCancelled = false
    }

    private struct World {
        let seed: UInt64
        var random: SplitMix64
        let bench: UpstreamBench
        var ends: [End] = []
        var asked: [Asked] = []

        init(_ seed: UInt64) {
            self.seed = seed
            random = SplitMix64(seed: seed)
            bench = UpstreamBench {
                $0.answerBytes = 1 << 20
                $0.connections = 6
                $0.waiting = 8
                $0.kept = 3
            }
        }

        mutating func step() throws {
            switch random.below(10) {
            case 0, 1: try ask()
            case 2 where !bench.dialer.asked.isEmpty:
                if random.chance(10) {
                    bench.dialer.asked.removeFirst().fail(UpstreamFailure.failed("no connection"))
                } else {
                    ends.append(End(try bench.dialer.connect()))
                }
            case 3: bench.loop.advanceTime(by: .milliseconds(Int64(random.below(600))))
            case 4 where !asked.isEmpty:
                let one = random.below(asked.count)
                switch random.below(5) {
                case 0 where asked[one].heard.failure == nil && !asked[one].heard.isEnded:
                    asked[one].isCancelled = true
                    asked[one].heard.exchange?.cancel()
                case 1, 2: asked[one].heard.exchange?.pauseReading()
                default: asked[one].heard.exchange?.resumeReading()
                }
            default: try act()
            }
            bench.loop.run()
            try collect()
        }

        mutating func ask() throws {
            let seed = random.next()
            let isHostile = random.chance(40)
            let heard = bench.send("\(seed)").1
            asked.append(Asked(heard: heard, right: isHostile ? nil : UpstreamScripts.right(seed: seed), seed: seed))
        }

        /// Finds the requests that were written, and decides how they are answered.
        mutating func collect() throws {
            for end in ends {
                guard let text = try? end.channel.sent(), let number = text.split(separator: "\r\n").last else {
                    continue
                }
                let one = try #require(asked.firstIndex { "\($0.seed)" == number }, "seed \(seed): \(text)")
                #expect(asked[one].end == nil, "seed \(seed): a request was sent twice")
                let isOver = end.acts.allSatisfy { if case .wait = $0 { true } else { false } }
                #expect(isOver || end.isTainted, "seed \(seed): a request before the answer was over")
                asked[one].end = end
                if let right = asked[one].right {
                    end.acts += right.acts
                } else {
                    end.isTainted = true
                    end.acts += UpstreamScripts.hostile(seed: asked[one].seed)
                }
            }
        }

        mutating func act() throws {
            let able = ends.filter { !$0.acts.isEmpty }
            guard !able.isEmpty else { return }
            let end = random.pick(able)
            guard end.channel.isActive else {
                end.acts = []
                return
            }
            switch end.acts.removeFirst() {
            case .read, .wait: break
            case .send(let bytes): _ = try? end.channel.writeInbound(ByteBuffer(bytes: bytes))
            case .flood(let count):
                for _ in 0..<min(count / 16_384, 80) where end.channel.isActive {
                    _ = try? end.channel.writeInbound(ByteBuffer(repeating: 0x78, count: 16_384))
                }
            case .close, .closeOutput: end.channel.close(promise: nil)
            case .reset:
                end.channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read"))
                end.channel.close(promise: nil)
            }
        }

        /// Lets all deadlines pass and looks at what has become of everything.
        mutating func finish() throws {
            for _ in 0..<400 where ends.contains(where: { !$0.acts.isEmpty }) {
                try act()
                bench.loop.run()
                try collect()
            }
            for one in asked { one.heard.exchange?.resumeReading() }
            bench.loop.advanceTime(by: .minutes(5))
            #expect(bench.pool.underWay == 0, "seed \(seed)")
            for one in asked {
                let heard = one.heard
                let ends = (heard.isEnded ? 1 : 0) + (heard.failure == nil ? 0 : 1)
                #expect(ends == 1 || one.isCancelled && ends == 0, "seed \(seed)")
                guard let right = one.right, let end = one.end, !end.isTainted else { continue }
                let isRight =
                    right.body.starts(with: heard.bytes)
                    && (!heard.isEnded || heard.bytes.count == right.body.count && heard.status == right.status)
                    && (heard.failure == nil || heard.failure?.denial == .upstreamTimeout)
                #expect(isRight, "seed \(seed), answer \(one.seed): \(heard.failure?.how ?? "other bytes")")
            }
            while !bench.dialer.asked.isEmpty { bench.dialer.asked.removeFirst().fail(UpstreamFailure.failed("late")) }
            bench.loop.advanceTime(by: .minutes(1))
            #expect(bench.connections == 0, "seed \(seed)")
            #expect(!ends.contains { $0.channel.isActive }, "seed \(seed): a connection is left open")
        }
    }
}
