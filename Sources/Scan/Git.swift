import Foundation
import Glibc

/// Runs git in a repository: without a shell, without a network, and in no other repository than this one.
struct Git {
    struct Failure: Error {
        let reason: String
    }

    /// A folder that exists.
    let folder: String

    /// Hands on what git prints while it prints it.
    ///
    /// - Throws: `Failure`, or what `take` throws.
    func run(_ arguments: [String], _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        let process = Process()
        // Finds git as the shell would; a name that isn't there makes it end with 127.
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git", "-C", folder] + arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        // A file, since nobody empties a second pipe while the first is read.
        let complaints = tmpfile()
        defer { if let complaints { fclose(complaints) } }
        process.standardError = complaints.map { FileHandle(fileDescriptor: fileno($0)) } ?? FileHandle.nullDevice
        do { try process.run() } catch { throw Failure(reason: "git could not be started") }
        do {
            try PieceReader().read(output.fileHandleForReading.fileDescriptor, take)
        } catch {
            process.terminate()
            process.waitUntilExit()
            throw error
        }
        process.waitUntilExit()
        if process.terminationReason == .exit, process.terminationStatus == 0 { return }
        throw Failure(
            reason: process.terminationStatus == 127
                ? "git is not installed" : "git failed (\(process.terminationStatus)) \(Self.text(complaints))")
    }

    /// A hook's `GIT_DIR` and the like would lead elsewhere.
    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GIT_") }
        // Where this folder's `.git` is none, git would take the repository that is around it.
        environment["GIT_CEILING_DIRECTORIES"] =
            URL(filePath: folder).resolvingSymlinksInPath().deletingLastPathComponent().path(percentEncoded: false)
        // A partial clone would fetch what it hasn't got.
        environment["GIT_ALLOW_PROTOCOL"] = "none"
        environment["GIT_NO_LAZY_FETCH"] = "1"
        environment["GIT_NO_REPLACE_OBJECTS"] = "1"
        environment["GIT_OPTIONAL_LOCKS"] = "0"
        return environment
    }

    /// The beginning of what git complained about, on one line. Whole lines only: half of a key is not seen to be one.
    private static func text(_ file: UnsafeMutablePointer<FILE>?) -> String {
        guard let file else { return "" }
        var bytes = [UInt8](repeating: 0, count: 1000)
        let count = pread(fileno(file), &bytes, bytes.count, 0)
        let lines = bytes.prefix(max(0, count)).split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        return lines.map { String(decoding: $0.drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self) }
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
