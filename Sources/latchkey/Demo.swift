import ArgumentParser
import Foundation
import Logging
import UnixSignals
import Values

/// Shows, on a real server that is gone afterwards, what the product promises: a key opens exactly one app, and no call is
/// served that its limits don't cover.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Show on a temporary server what two keys open, what a call costs and how a key stops at its limit.",
        discussion: """
            Everything goes through the public API. The exit code is 0 only if everything happened as shown.

            With --stay the server goes on afterwards, so that its console can be looked at: with the two apps and a week \
            of calls, which the demo makes on a clock that begins a week ago. Ctrl-C ends it, and so do TERM and the end \
            of the terminal. Nothing is left then.
            """)

    @Flag(help: "Go on serving afterwards, with a week of history, and print how to sign in to the console.")
    var stay = false

    private enum Outcome {
        /// All of the story, with what there is to say about how it goes on.
        case told(String?)
        case ended
    }

    func run() async throws {
        try await reportingFailures {
            // Before there is anything that would have to be deleted.
            let ends = await UnixSignalsSequence(trapping: Signals.ending + [.sighup])
            let folder = FileManager.default.temporaryDirectory.appending(path: "latchkey-demo-\(UUID().uuidString)")
            defer {
                try? FileManager.default.removeItem(at: folder)
                // Who presses Ctrl-C twice doesn't end it before that.
                withExtendedLifetime(ends) {}
            }
            let settings = try await Settings(
                commandLine: [.dataDir: folder.path, .listenPort: "0", .logLevel: "critical"], file: nil,
                environment: [:])
            let logger = startLogging(settings)
            let clock = DemoClock(behind: stay ? DemoHistory.beginning : .zero)
            let deployment = try await Deployment.open(settings, clock: clock.clock)
            let server = Server(deployment: deployment, settings: settings, logger: logger)
            let (ready, continuation) = AsyncStream.makeStream(of: Server.Running.self)
            let isTold = try await withThrowingTaskGroup(of: Outcome.self) { group in
                group.addTask {
                    try await server.run(signals: []) { continuation.yield($0) }
                    return .ended
                }
                group.addTask {
                    for await _ in ends { break }
                    return .ended
                }
                group.addTask { [stay] in
                    guard let running = await ready.first(where: { _ in true }) else { throw DemoFailure("no server") }
                    let pets = try await DemoTranscript(running: running).play()
                    guard stay else { return .told(nil) }
                    let history = DemoHistory(pets: pets, running: running, clock: clock)
                    try await history.make()
                    return .told(history.invitation)
                }
                // The server only ends before the transcript when it fails; the end of any ends all.
                defer { group.cancelAll() }
                // Whoever ends it in the middle must not take it for done.
                guard case .told(let invitation) = try await group.next() else { return false }
                if let invitation {
                    announce(invitation)
                    _ = try await group.next()
                }
                return true
            }
            try await deployment.close()
            if !isTold { throw ExitCode(130) }
        }
    }
}
