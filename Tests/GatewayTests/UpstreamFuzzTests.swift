import Foundation
import NIOCore
import TestSupport
import Testing

@testable import Gateway

/// Hostile upstreams and right ones, at once, through one pool.
///
/// By seed: `LATCHKEY_SEED=7 swift test --filter UpstreamFuzz` makes the answers of seed 7 again. With
/// `LATCHKEY_TEST_LENGTH=long` it goes on for an hour of the process's processor time.
@Suite("Random and hostile upstreams")
struct UpstreamFuzzTests {
    private static let limit = 1 << 20

    /// One request of a round: to whom, and what its caller does meanwhile.
    private struct Step {
        let seed: UInt64
        let isHostile: Bool
        let isSecure: Bool
        /// The caller stops reading at times.
        let pauses: Bool
        /// The caller leaves at some time.
        let leaves: Bool
    }

    @Test(
        "each exchange ends once and in time, right answers are read right, and nothing is left over",
        .timeLimit(.minutes(FuzzLength.isLong ? 600 : 5)))
    func fuzz() async throws {
        let begin = FuzzLength.used
        var resident: Int?
        for seed in FuzzLength.seeds(1...3) {
            try await round(seed)
            guard FuzzLength.isLong else { continue }
            if resident == nil, FuzzLength.used - begin > 360 { resident = Self.resident() }
            if FuzzLength.isOver(since: begin) { break }
        }
        if let resident { #expect(Self.resident() < resident + 64 << 20, "memory must not grow") }
    }

    /// Some hundred exchanges, thirty at once.
    private func round(_ seed: UInt64) async throws {
        let answer: @Sendable (Bool) -> @Sendable (String) -> [Act] = { isHostile in
            { request in
                guard let seed = request.seed else { return [.close] }
                return isHostile ? UpstreamScripts.hostile(seed: seed) : UpstreamScripts.right(seed: seed).acts
            }
        }
        // A connection serves as many requests as come; a hostile one may also speak before it was asked.
        let reads = Array(repeating: Act.read, count: 500)
        let early: @Sendable (Int) -> [Act] = { connection in
            var random = SplitMix64(seed: seed &* 1_000 &+ UInt64(connection))
            return random.chance(10) ? UpstreamScripts.hostile(seed: random.next()) + reads : reads
        }
        var upstreams: [ScriptedUpstream] = []
        for tls in [nil, TestCertificates.good] {
            upstreams.append(try await ScriptedUpstream(tls: tls, { _ in reads }, answer: answer(false)))
            upstreams.append(try await ScriptedUpstream(tls: tls, early, answer: answer(true)))
        }
        let ports = upstreams.map(\.port)
        let asker = try await UpstreamAsker {
            $0.connect = .seconds(60)
            $0.head = .seconds(60)
            $0.idle = .seconds(60)
            $0.answerBytes = Self.limit
        }
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<30 {
                group.addTask {
                    var random = SplitMix64(seed: seed &* 100 &+ UInt64(lane))
                    for _ in 0..<20 {
                        let step = Step(
                            seed: random.next(), isHostile: random.chance(60), isSecure: random.chance(30),
                            pauses: random.chance(20), leaves: random.chance(10))
                        // Now and then TLS to a port without it.
                        let isMixed = step.isHostile && step.isSecure && random.chance(10)
                        let port = ports[(step.isSecure && !isMixed ? 2 : 0) + (step.isHostile ? 1 : 0)]
                        await check(step, port, asker)
                    }
                }
            }
        }
        #expect(try await asker.look { $0.underWay } == 0, "seed \(seed)")
        try await asker.stop()
        for upstream in upstreams {
            var open = 1
            // Bounded, so that a test that fails ends; TLS on the upstream's side waits five seconds for its peer's goodbye.
            for _ in 0..<1000 where open > 0 {
                open = try await upstream.counted { $0.open }
                if open > 0 { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(open == 0, "seed \(seed): a connection is left")
            try await upstream.stop()
        }
    }

    private func check(_ step: Step, _ port: Int, _ asker: UpstreamAsker) async {
        let url = "\(step.isSecure ? "https" : "http")://127.0.0.1:\(port)"
        let body = [UInt8](repeating: 0x20, count: Int(step.seed % 7) * 10_000)
        do {
            let outcome = try await asker.ask(
                url, body: body, fields: "X-Seed: \(step.seed)\r\n",
                total: step.isHostile ? .milliseconds(300) : .seconds(60)
            ) { exchange, listener in
                let exchange = NIOLoopBound(exchange, eventLoop: asker.loop)
                let listener = NIOLoopBound(listener, eventLoop: asker.loop)
                if step.pauses {
                    listener.value.onBody = {
                        exchange.value.pauseReading()
                        asker.loop.scheduleTask(in: .milliseconds(1)) { exchange.value.resumeReading() }
                    }
                }
                if step.leaves {
                    asker.loop.scheduleTask(in: .milliseconds(Int64(step.seed % 20))) {
                        if listener.value.outcome.ends > 0 { return }
                        exchange.value.cancel()
                        listener.value.isCancelled = true
                        listener.value.end()
                    }
                }
            }
            #expect(outcome.ends == 1, "seed \(step.seed)")
            #expect(outcome.body.readableBytes <= Self.limit, "seed \(step.seed)")
            guard !step.isHostile, !outcome.isCancelled else { return }
            let right = UpstreamScripts.right(seed: step.seed)
            let isRight =
                outcome.failure == nil && outcome.status == right.status
                && outcome.body.readableBytesView.elementsEqual(right.body)
            #expect(isRight, "seed \(step.seed): \(outcome.failure?.how ?? "another body or status")")
        } catch {
            Issue.record(error, "seed \(step.seed)")
        }
    }

    /// Resident memory in bytes (`proc(5)`).
    private static func resident() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

extension String {
    fileprivate var seed: UInt64? {
        range(of: "X-Seed: ").flatMap { UInt64(self[$0.upperBound...].prefix { $0.isNumber }) }
    }
}
