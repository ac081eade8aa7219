import ArgumentParser
import Audit
import Database
import Foundation
import Secrets
import Values

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data directory of a backup.",
        discussion: """
            The data directory must have no database. Before you begin, put the two key files of the deployment into it \
            (master.key and pepper.key, mode 0600), or give the keys by the settings that the server has.

            The database is brought to the form of this version, and checked as by 'latchkey ledger check' and \
            'latchkey audit check', before it gets its name. If anything is wrong, there is no database afterwards. The \
            restore has an entry in the audit record.

            What was done after the backup is not in it. Later calls are not charged, and what was taken away later \
            works again: deleted keys, sessions, roles, old passwords. Take it away again before others reach the server.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The backup.")
    var from: String

    func run() async throws {
        try await reportingFailures {
            let settings = try await common.read()
            guard FileManager.default.fileExists(atPath: from) else { try stop("There is no file \(from).", .failure) }
            try refuseKnownData(settings)
            let directory = try Deployment.directory(settings)
            let keys = try Deployment.keys(settings)
            let progress = Progress()
            defer { progress.clear() }
            let draft = try FileDraft(of: directory.database)
            try await copy(to: draft, keys, progress)
            let database = try Database(
                path: draft.path, migrations: Deployment.migrations, clock: .system,
                admit: { try Deployment.requireRightKeys(keys, $0) })
            let checked = try await CheckedCopy.check(database, with: keys, progress)
            try await record(checked, keys, database)
            // What was migrated and recorded must be in the file before it gets its name.
            try database.foldLog()
            try database.close()
            try draft.keep()
            progress.clear()
            print(checked.lines)
            print("restore ok: \(directory.path)")
            print("What was done after this backup is not in it. Keys that were deleted later work again.")
        }
    }

    /// Also what is left of a database: SQLite would take an old log for a part of the new file.
    private func refuseKnownData(_ settings: Settings) throws {
        let database = DataDirectory.database(in: settings.folder)
        for file in ["", "-wal", "-shm", "-journal"].map({ database + $0 })
        where FileManager.default.fileExists(atPath: file) {
            try stop(
                "The data directory \(settings.folder) has a database already (\(file)); nothing was changed. Restore "
                    + "into a directory without one.", .failure)
        }
    }

    /// Copies the backup, if it is one of ours and for these keys. Of any release: the copy is brought up to date later.
    private func copy(to draft: FileDraft, _ keys: DeploymentSecrets, _ progress: Progress) async throws {
        do {
            let backup = try Database(reading: from, migrations: nil)
            guard try await backup.read({ try Deployment.requireRightKeys(keys, $0) }) else {
                throw Deployment.Failure(sentence: "\(from) is no backup of latchkey.")
            }
            try await backup.copy(to: draft.path) { progress.showCopied($0) }
            // A disk that is full (13) is no fault of the backup.
        } catch DatabaseFailure.engine(let code) where code & 0xFF != 13 {
            throw Deployment.Failure(
                sentence: "\(from) is no backup of latchkey, or it is damaged (SQLite result code \(code)).")
        }
    }

    private func record(_ checked: CheckedCopy, _ keys: DeploymentSecrets, _ database: Database) async throws {
        let author = Audit(database: database, chain: keys.auditChain, entropy: .system).author(actor: nil, address: "")
        try await database.write { connection in
            try author.record(
                .deploymentRestore, account: nil, object: nil, detail: ["head": checked.audit.head?.text ?? "none"],
                at: Clock.system.now(), in: connection)
        }
    }
}
