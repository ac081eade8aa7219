import ArgumentParser
import Database
import Foundation
import JSON

/// What every command that opens a deployment takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The folder that holds the database and its keys.")
    var dataDir: String?

    @Option(help: "A JSON file of settings.")
    var config: String?

    var settings: [Setting: String] {
        var settings: [Setting: String] = [:]
        settings[.dataDir] = dataDir
        return settings
    }

    /// The settings of a command that ends by itself. What is to be told about them goes to standard error.
    func read() async throws(Settings.Failure) -> Settings {
        let settings = try await Settings(
            commandLine: settings, file: config, environment: ProcessInfo.processInfo.environment)
        if let sentence = settings.unknown.sentence {
            FileHandle.standardError.write(Data("warning: \(sentence)\n".utf8))
        }
        return settings
    }
}

extension Settings {
    /// The data directory.
    var folder: String { text(.dataDir) ?? Setting.dataDir.standard }

    /// How this machine reaches a server with these settings.
    var localAddress: String {
        let host = text(.listenHost) ?? Setting.listenHost.standard
        let isAny = host == "0.0.0.0" || host == "::"
        return "http://\(isAny ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host):\(integer(.listenPort))"
    }
}

/// One sentence on standard error and an exit code (sysexits.h) instead of a trace: 78 for a setting, 74 for
/// a disk that can't be written, 1 for the rest.
func reportingFailures(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let failure as Settings.Failure {
        try stop(failure.sentence, ExitCode(78))
    } catch let failure as Deployment.Failure {
        try stop(failure.sentence, .failure)
    } catch let failure as FileDraft.Failure {
        try stop(failure.sentence, .failure)
    } catch let failure as DatabaseFailure {
        try stop(Deployment.sentence(failure), failure.isRefusedWrite ? ExitCode(74) : .failure)
    } catch let error as ExitCode {
        throw error
    } catch let error as ValidationError {
        throw error
    } catch {
        try stop("latchkey stopped: \(error)", .failure)
    }
}

func stop(_ sentence: String, _ code: ExitCode) throws -> Never {
    FileHandle.standardError.write(Data((sentence + "\n").utf8))
    throw code
}
