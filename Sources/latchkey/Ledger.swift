import ArgumentParser
import Metering

struct Ledger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the ledger of a data directory.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every balance and total against the entries of the ledger.",
            discussion: """
                Reads only, so it may run beside a server. The exit code is 0 when all is as the entries say; otherwise \
                it is 1, and the first difference is printed.
                """)

        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await reportingFailures {
                let settings = try await common.read()
                let progress = Progress()
                let check = try await LedgerCheck.run(
                    on: try Deployment.reading(settings), onStep: progress.showLedgerStep)
                progress.clear()
                guard let difference = check.difference else {
                    print(check.line)
                    return
                }
                print("ledger differs: \(difference)")
                throw ExitCode.failure
            }
        }
    }
}
