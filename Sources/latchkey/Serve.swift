import ArgumentParser
import Foundation
import Logging
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the server.",
        discussion: """
            Settings come from the command line, then from LATCHKEY_* environment variables, then from the file, then \
            from the defaults; docs/settings.md has the table of all of them. The first start makes the data directory with \
            its keys and prints a set-up token for the first admin.

            TERM and INT end the server in order: calls under way get 15 seconds. HUP, USR1 and USR2 are ignored: \
            settings are read at the start alone, and the log goes to standard error.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "The address to listen on.")
    var host: String?

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port: Int?

    func run() async throws {
        try await reportingFailures {
            Signals.prepare()
            var options = common.settings
            options[.listenHost] = host
            options[.listenPort] = port.map(String.init)
            let settings = try await Settings(
                commandLine: options, file: common.config, environment: ProcessInfo.processInfo.environment)
            let logger = startLogging(settings)
            tell(settings.unknown, logger)
            forbidCoreFiles()
            let deployment = try await Deployment.open(settings)
            for remark in deployment.remarks { logger.notice("\(remark)") }
            try await serveInForeground(deployment, settings, logger) { running in
                if deployment.isNew { announce(newDeployment(settings)) }
                if let token = running.setUpToken {
                    announce(
                        "There is no user yet. Create the first admin with this one-time token (POST /api/v1/setup):")
                    announce("setup token: \(token)")
                }
            }
        }
    }
}

/// Who has a deployment and starts the server in the wrong folder must not take an empty one for it.
private func newDeployment(_ settings: Settings) -> String {
    let folder = URL(filePath: settings.folder).standardizedFileURL.path
    let reason =
        settings.isGiven(.dataDir) ? "" : ", because no data directory was named (--data-dir or LATCHKEY_DATA_DIR)"
    return "This is a new deployment, in \(folder)\(reason)."
}

/// Serves until the process is told to end, and closes the deployment then.
/// - Parameter onReady: tells what there is to tell before the line that a script waits for.
func serveInForeground(
    _ deployment: Deployment, _ settings: Settings, _ logger: Logger,
    onReady: @escaping @Sendable (Server.Running) -> Void
) async throws {
    allowManyConnections()
    let server = Server(deployment: deployment, settings: settings, logger: logger)
    try await server.run(signals: Signals.ending) { running in
        onReady(running)
        announce("latchkey is listening on \(running.address)")
    }
    try await deployment.close()
}

/// A line for whoever started the server, at once also where standard output is a pipe.
func announce(_ line: String) {
    // Who started it may have left: then nobody reads it, and the server goes on.
    try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
}

/// What was found in the environment and left aside.
func tell(_ unknown: UnknownVariables, _ logger: Logger) {
    if let sentence = unknown.sentence { logger.warning("\(sentence)") }
    if !unknown.ofKubernetes.isEmpty {
        logger.info("\(unknown.ofKubernetes.count) variables of the environment are Kubernetes' and change nothing")
    }
}

/// Logs go to standard error, so that standard output has only what a script waits for.
func startLogging(_ settings: Settings) -> Logger {
    let level = settings.text(.logLevel).flatMap { Logger.Level(rawValue: $0) } ?? .info
    LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = level
        return handler
    }
    return Logger(label: "latchkey")
}

/// The usual soft limit of 1,024 open files is for programs that can't count further; a server takes what it may have.
private func allowManyConnections() {
    var limit = rlimit()
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(files, &limit)
}

/// A core file would hold keys and passwords in plain.
func forbidCoreFiles() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
}
