import Audit
import Database
import Foundation
import Secrets
import Values

/// The steps of opening a data directory, each for the commands that need no more than that.
extension Deployment {
    /// The folder, made if need be, with its lock.
    static func directory(_ settings: Settings) throws -> DataDirectory {
        do throws(DataDirectory.Failure) {
            return try DataDirectory(settings.folder)
        } catch {
            throw Failure(sentence: error.sentence)
        }
    }

    /// The two keys, from where the settings say.
    /// - Parameter createIfMissing: only for new data. For data that is there, new keys would open nothing.
    static func keys(_ settings: Settings, createIfMissing: Bool = false) throws -> DeploymentSecrets {
        do {
            return try DeploymentSecrets.load(
                master: try source(settings, .masterKey, .masterKeyFile),
                pepper: try source(settings, .pepper, .pepperFile),
                directory: settings.folder, createIfMissing: createIfMissing, entropy: .system)
        } catch DeploymentSecretsError.malformedSetting(let name) {
            throw Settings.Failure(sentence: DeploymentSecretsError.malformedSetting(name).sentence)
        } catch let error as DeploymentSecretsError {
            throw Failure(sentence: error.sentence)
        }
    }

    /// The database alone, for commands that only read. Needs neither the lock nor the keys.
    static func reading(_ settings: Settings) throws -> Database {
        try requireDatabase(in: settings.folder)
        return try Database(reading: DataDirectory.database(in: settings.folder), migrations: migrations)
    }

    static func requireDatabase(in folder: String) throws {
        guard FileManager.default.fileExists(atPath: DataDirectory.database(in: folder)) else {
            throw Failure(sentence: "There is no latchkey database in \(folder).")
        }
    }

    /// Whether the audit record has begun with these keys, the only ones that the data may have.
    @discardableResult
    static func requireRightKeys(_ keys: DeploymentSecrets, _ connection: Connection) throws -> Bool {
        do {
            return try Audit.hasBegun(with: keys, in: connection)
        } catch is Audit.OtherKeys {
            throw Failure(
                sentence: "The master key or the pepper is not the one that this data was made with. "
                    + "Start with the right ones; nothing was changed.")
        }
    }

    private static func source(_ settings: Settings, _ value: Setting, _ file: Setting) throws -> KeySource {
        switch (settings.text(value), settings.text(file)) {
        case (let text?, nil): return .value(Secret(text), from: "\(value.rawValue) (\(value.environmentName))")
        case (nil, let path?): return .file(path)
        case (nil, nil): return .directory
        case (_?, _?):
            throw Settings.Failure(
                sentence: "Give only one of \(value.environmentName) and \(file.environmentName).")
        }
    }
}
