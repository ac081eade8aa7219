import Accounts
import ArgumentParser
import Database
import Foundation
import Logging
import Values

/// From nothing to a first call: all that it takes, on a new data directory, and a server for it.
struct Quickstart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set up a new data directory, start a server on it, and print the first call to make.",
        discussion: """
            Makes an admin with a random password, an app on the built-in model echo, a key for the app, and some \
            credits. Each of them has its entry in the audit record. Then it serves as 'latchkey serve' does, but on \
            this machine alone, and prints a curl command that calls the app, and the address of the console.

            The password and the key are printed once, on standard output, and go to no log.

            It is for new data only: when the data directory has a database already, it changes nothing and ends \
            with 1. Use 'latchkey serve' from then on.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "The e-mail address of the admin. Nothing is sent to it.")
    var email: String = "admin@example.com"

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port: Int?

    @Flag(help: "Only set up. Start the server later with 'latchkey serve'.")
    var noServe = false

    func run() async throws {
        try await reportingFailures {
            var options = common.settings
            options[.listenPort] = port.map(String.init)
            let settings = try await Settings(
                commandLine: options, file: common.config, environment: ProcessInfo.processInfo.environment)
            let serve =
                "latchkey serve --data-dir \(shellWord(settings.folder))" + (port.map { " --port \($0)" } ?? "")
            try refuseKnownData(settings, serve)
            if !noServe { try refuseOtherMachines(settings) }
            guard let address = EmailAddress(email) else { try stop("--email \(EmailAddress.rule).", .failure) }
            forbidCoreFiles()
            let logger = startLogging(settings)
            tell(settings.unknown, logger)
            let deployment = try await Deployment.open(settings)
            for remark in deployment.remarks { logger.notice("\(remark)") }
            let first = try await firstApp(deployment, address)
            announce(told(first, settings.folder))
            if noServe {
                try await deployment.close()
                announce("Start the server with: \(serve)")
                announce("Then make the first call:\n")
                announce("  \(first.call(at: settings.localAddress))\n")
                return
            }
            // Not before: a set-up that is ended in the middle is not one that went well.
            Signals.prepare()
            try await serveInForeground(deployment, settings, logger) { running in
                announce("Make the first call, from a second terminal:\n")
                announce("  \(first.call(at: running.address))\n")
                announce("Console     \(running.console), with the e-mail address and the password above\n")
                announce("Ctrl-C stops the server. To start it again: \(serve)")
            }
        }
    }

    /// Looks at names only, so that what is there stays as it is.
    private func refuseKnownData(_ settings: Settings, _ serve: String) throws {
        guard FileManager.default.fileExists(atPath: DataDirectory.database(in: settings.folder)) else { return }
        try stop(
            "The data directory \(settings.folder) is set up already; nothing was changed. Start its server with "
                + "'\(serve)', or choose a new directory with --data-dir. If nobody has the admin's password, make a "
                + "new one with 'latchkey admin recover'.", .failure)
    }

    /// A server that nobody has configured yet, with credits to spend, is not for a network.
    private func refuseOtherMachines(_ settings: Settings) throws {
        let host = settings.text(.listenHost) ?? Setting.listenHost.standard
        let isLoopback =
            host == "localhost" || host == "::1"
            || IPAddress(host).map { AddressBlock("127.0.0.0/8")?.contains($0) == true } == true
        guard !isLoopback else { return }
        throw Settings.Failure(
            sentence: "quickstart serves on this machine alone, but the setting \(Setting.listenHost.rawValue) "
                + "(\(Setting.listenHost.environmentName)) is \(host). Set up with --no-serve, then start "
                + "'latchkey serve'; or leave the setting out.")
    }

    private func firstApp(_ deployment: Deployment, _ email: EmailAddress) async throws -> FirstApp {
        do {
            return try await FirstApp.make(on: deployment, email: email)
        } catch let failure as FirstApp.Failure {
            try await deployment.close()
            throw Deployment.Failure(sentence: failure.sentence)
        }
    }

    private func told(_ first: FirstApp, _ folder: String) -> String {
        """
        Latchkey is set up in \(folder).

          admin      \(first.email)
          password   \(first.password)
          app        \(FirstApp.name), on the built-in model echo
          key        \(first.key)
          credits    \(FirstApp.credits.decimal); a call costs \(Credits.standardPrice.decimal)

        Keep the password and the key now: they are shown only once.

        """
    }
}

/// As a shell reads it back.
private func shellWord(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || "/._-".utf8.contains(byte)
    }
    return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
}
