import ArgumentParser
import Database

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the database into one file, also beside a running server, and check the copy.",
        discussion: """
            The copy is the database as it was at one moment. The server goes on meanwhile; what it writes is not in the \
            copy. Before the file gets its name, it is checked as by 'latchkey ledger check' and 'latchkey audit \
            check', and it is on disk. A file that exists is never overwritten. A backup that is interrupted leaves the \
            file TO.partial, which the next one replaces.

            The two keys of the deployment are NOT in it: whoever finds a backup can open nothing with it. Keep copies \
            of the master key and of the pepper (master.key and pepper.key in the data directory, unless settings give \
            them) in another place than the backups. Without both keys, a backup is worth nothing.

            'latchkey restore' makes a data directory of a backup.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The file to make.")
    var to: String

    func run() async throws {
        try await reportingFailures {
            let settings = try await common.read()
            let database = try Deployment.reading(settings)
            let keys = try Deployment.keys(settings)
            let progress = Progress()
            defer { progress.clear() }
            let draft = try FileDraft(of: to)
            try await database.copy(to: draft.path) { progress.showCopied($0) }
            let copy = try Database(reading: draft.path, migrations: Deployment.migrations)
            let checked = try await CheckedCopy.check(copy, with: keys, progress)
            try copy.close()
            try draft.keep()
            progress.clear()
            print(checked.lines)
            print("backup ok: \(to)")
            print(
                "The two keys are not in it. Keep copies of master.key and pepper.key in another place: without them a "
                    + "backup is worth nothing.")
        }
    }
}
