import ArgumentParser
import Foundation
import Glibc
import Scan
import Secrets

/// Needs nothing of a deployment: whoever found a leak, or wants to prevent one, has neither its server nor its keys.
struct ScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Find keys that got into files, git histories or standard input.",
        discussion: """
            Finds Latchkey's keys, platform tokens, invitations, password resets and set-up tokens by their format and \
            their checksum. A text that only looks like one is not reported. It needs no server and no data \
            directory, and sends nothing anywhere.

            Each find is one line on standard output: where it is, a hint that tells which key it is, and its kind. \
            The key itself is never printed:

              config/app.env:3:9: sk-Ab3…x9 (app key)
              history:3f2a9c01b4de:1:9: sk-Ab3…x9 (app key; old.env in commit 9a1b2c3d4e5f)

            A folder is walked with all that is below it, except for symbolic links, pipes, devices and folders named \
            .git. If it is the root of a git repository, all objects in the repository are looked through as well: a \
            key that was committed once and deleted later, or amended away, is still there. That needs git. What is \
            looked at is content: not the names of files, and nothing inside of compressed files.

            To keep a key from being committed, make this the repository's .git/hooks/pre-commit:

              #!/bin/sh
              git diff --cached | latchkey scan -

            It also stops the commit that takes a key out. Once that key is dead, commit with --no-verify.

            A key that is found is known to everybody who could read it, and taking it out of a file changes nothing \
            about that. Report it to its deployment with POST /api/v1/leaks, or rotate or delete it.

            The exit code is 0 when nothing was found, 1 when something was, and 2 when nothing was found but a path \
            or a history could not be read.
            """)

    @Argument(help: "Files and folders; - is standard input.")
    var paths: [String]

    @Option(
        help: ArgumentHelp(
            """
            What this deployment's app keys begin with, unless that is \(Setting.keyPrefix.standard). May be given \
            several times. Without it, \(Setting.keyPrefix.environmentName) is used if the environment has it.
            """))
    var prefix: [String] = []

    @Flag(help: "Look only at files, not at the history of a git repository.")
    var noHistory = false

    func validate() throws {
        // Not repeated in the sentence: it may be a key.
        do {
            _ = try KeyKinds(appKeyPrefixes: prefix)
        } catch {
            throw ValidationError("A --prefix can't begin a key: \(error.sentence)")
        }
    }

    func run() throws {
        // A reader who goes away, as `head` does, is noticed where it is written to.
        signal(SIGPIPE, SIG_IGN)
        let progress = Progress()
        let listener = Scan.Listener { line in
            progress.clear()
            return write(line + "\n", to: STDOUT_FILENO)
        } said: { sentence in
            progress.clear()
            _ = write("latchkey scan: \(sentence)\n", to: STDERR_FILENO)
        } looked: { files, bytes in
            progress.show("\(files) files, \(bytes >> 20) MiB")
        }
        let outcome = try Scan(try kinds(), listener).run(paths, withHistory: !noHistory)
        progress.clear()
        switch outcome {
        case .nothing: break
        case .found: throw ExitCode(1)
        case .unread: throw ExitCode(2)
        }
    }

    private func kinds() throws -> KeyKinds {
        if !prefix.isEmpty { return try KeyKinds(appKeyPrefixes: prefix) }
        let given = ProcessInfo.processInfo.environment[Setting.keyPrefix.environmentName] ?? ""
        do {
            return try KeyKinds(appKeyPrefixes: [given.isEmpty ? Setting.keyPrefix.standard : given])
        } catch {
            let name = "The setting \(Setting.keyPrefix.rawValue) (\(Setting.keyPrefix.environmentName))"
            try stop("\(name) can't begin a key: \(error.sentence)", ExitCode(78))
        }
    }
}

/// Whether all of it was taken. (FileHandle would crash where nobody reads.)
private func write(_ text: String, to descriptor: Int32) -> Bool {
    Array(text.utf8).withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
