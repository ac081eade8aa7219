import ArgumentParser
import Foundation
import Glibc

/// The one binary. This target is the top of the house: it reads the settings, opens the deployment, hands every room
/// what it needs and starts the server. It holds no rule of any room.
@main
struct Latchkey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latchkey",
        abstract: "A self-hosted platform for applications and their API keys: a key opens exactly one app.",
        discussion: """
            First steps: 'latchkey demo' shows what it does, on a server that is gone afterwards. \
            'latchkey quickstart' sets up a real one with an app and a key, and prints the first call to make. \
            'latchkey serve' starts a server; on an empty data directory it prints a set-up token for the first admin.
            """,
        version: "latchkey \(Version.current)",
        subcommands: [
            Serve.self, Quickstart.self, Demo.self, Admin.self, Ledger.self, AuditCommand.self, Backup.self,
            Restore.self, ScanCommand.self,
        ])

    static func main() async {
        // On Linux the arguments are read from /proc/self/cmdline; a root without /proc would get the overview instead.
        guard !CommandLine.arguments.isEmpty else {
            FileHandle.standardError.write(Data("latchkey can't read its arguments: /proc is not mounted here.\n".utf8))
            Glibc.exit(78)
        }
        await main(nil)
    }
}
