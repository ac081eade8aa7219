import ArgumentParser
import Audit
import Database
import Secrets

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Look at the audit record of a data directory.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow the chain of the audit record and name the first entry that was altered.",
            discussion: """
                Each entry carries a keyed hash over itself and the one before it. Reads only, so it may run beside a \
                server. The exit code is 0 when the chain is whole; otherwise it is 1.

                A chain can't show that its end was cut off. Note the head that a check prints somewhere else, and give \
                it to the next check with --head: that entry must still be there.
                """)

        @OptionGroup var common: CommonOptions

        @Option(help: "The head that an earlier check has printed, such as 17:Hd3….")
        var head: String?

        func run() async throws {
            try await reportingFailures {
                var noted: AuditCheck.Head?
                if let head {
                    noted = AuditCheck.Head(head)
                    if noted == nil {
                        throw ValidationError("--head must be as a check prints it: a number, : and a hash.")
                    }
                }
                let settings = try await common.read()
                let database = try Deployment.reading(settings)
                let keys = try Deployment.keys(settings)
                try await database.read { _ = try Deployment.requireRightKeys(keys, $0) }
                let progress = Progress()
                let check = try await AuditCheck.run(
                    on: database, keys.auditChain, noted: noted, onProgress: progress.showAuditEntries)
                progress.clear()
                guard let difference = check.difference else {
                    print(check.line)
                    return
                }
                print("audit differs: \(difference.sentence)")
                throw ExitCode.failure
            }
        }
    }
}
