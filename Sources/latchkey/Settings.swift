import Configuration
import Foundation
import JSON
import Values

/// The settings of one start: command line over environment over file over defaults.
struct Settings: Sendable {
    /// Why a start is refused. The sentence names the setting and the rule, never a secret.
    struct Failure: Error {
        let sentence: String
    }

    private let texts: [Setting: String]
    private let integers: [Setting: Int]
    private let addresses: [Setting: [AddressBlock]]

    /// - Parameters:
    ///   - commandLine: what was given as options.
    ///   - file: the path of a JSON file.
    init(commandLine: [Setting: String], file: String?, environment: [String: String]) async throws(Failure) {
        try Self.refuseUnknown(environment)
        if let file { try Self.refuseUnknown(file: file) }
        let reader = try await Self.reader(commandLine, file, environment)
        var texts: [Setting: String] = [:]
        var integers: [Setting: Int] = [:]
        var addresses: [Setting: [AddressBlock]] = [:]
        for setting in Setting.allCases {
            let key = ConfigKey(setting.rawValue)
            do {
                // Only the required forms: the others turn a malformed value into the default without a word.
                switch setting.kind {
                case .text, .secret: texts[setting] = try reader.requiredString(forKey: key, isSecret: true)
                case .integer(let range):
                    let value = try reader.requiredInt(forKey: key)
                    guard range.contains(value) else { throw Self.malformed(setting) }
                    integers[setting] = value
                case .choice(let choices):
                    let value = try reader.requiredString(forKey: key)
                    guard choices.contains(value) else { throw Self.malformed(setting) }
                    texts[setting] = value
                case .addresses:
                    let value = try reader.requiredString(forKey: key)
                    let words = value.split(separator: ",", omittingEmptySubsequences: false)
                    addresses[setting] =
                        try value.isEmpty
                        ? []
                        : words.map { word in
                            let text = word.drop { $0 == " " }
                            guard let block = AddressBlock(String(text)) else { throw Self.malformed(setting) }
                            return block
                        }
                }
            } catch {
                throw Self.malformed(setting)
            }
        }
        self.texts = texts
        self.integers = integers
        self.addresses = addresses
    }

    /// The text of a setting; `nil` when it was not given and has no default.
    func text(_ setting: Setting) -> String? { texts[setting].flatMap { $0.isEmpty ? nil : $0 } }

    /// The number of a setting of that kind.
    func integer(_ setting: Setting) -> Int {
        guard let value = integers[setting] else { preconditionFailure("\(setting) is no number") }
        return value
    }

    func addresses(_ setting: Setting) -> [AddressBlock] { addresses[setting] ?? [] }

    private static func malformed(_ setting: Setting) -> Failure {
        Failure(
            sentence: "The setting \(setting.rawValue) (\(setting.environmentName)) must be \(setting.kind.rule).")
    }

    private static func reader(
        _ commandLine: [Setting: String], _ file: String?, _ environment: [String: String]
    ) async throws(Failure) -> ConfigReader {
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider(environmentVariables: named(commandLine)),
            EnvironmentVariablesProvider(environmentVariables: named(byKey: environment)),
        ]
        if let file {
            do {
                let path = InMemoryProvider(values: ["filePath": ConfigValue(.string(file), isSecret: false)])
                providers.append(try await FileProvider<JSONSnapshot>(config: ConfigReader(provider: path)))
            } catch {
                throw Failure(sentence: "The configuration file \(file) can't be read as a JSON file of settings.")
            }
        }
        let standards = Dictionary(uniqueKeysWithValues: Setting.allCases.map { ($0, $0.standard) })
        providers.append(EnvironmentVariablesProvider(environmentVariables: named(standards)))
        return ConfigReader(providers: providers)
    }

    /// The provider for environments parses text by kind, which is what command line and defaults need as well.
    private static func named(_ values: [Setting: String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: values.map { (unprefixed($0.key), $0.value) })
    }

    private static func named(byKey environment: [String: String]) -> [String: String] {
        named(
            Dictionary(
                uniqueKeysWithValues: Setting.allCases.compactMap { setting in
                    environment[setting.environmentName].map { (setting, $0) }
                }))
    }

    private static func unprefixed(_ setting: Setting) -> String {
        String(setting.environmentName.dropFirst("LATCHKEY_".count))
    }

    /// A misspelt name must not leave a default in force that somebody believes to have changed.
    private static func refuseUnknown(_ environment: [String: String]) throws(Failure) {
        let known = Set(Setting.allCases.map(\.environmentName))
        let unknown = environment.keys.filter { $0.hasPrefix("LATCHKEY_") && !known.contains($0) }.min()
        if let unknown { throw Failure(sentence: "The environment variable \(unknown) is not a setting of latchkey.") }
    }

    private static func refuseUnknown(file: String) throws(Failure) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Failure(sentence: "The configuration file \(file) can't be read.")
        }
        let json: JSON
        do {
            json = try JSON.parse(data)
        } catch {
            throw Failure(
                sentence: "The configuration file \(file) is not valid JSON: \(error.rule) (at byte \(error.offset)).")
        }
        guard let object = json.object else {
            throw Failure(sentence: "The configuration file \(file) must hold one JSON object.")
        }
        let known = Set(Setting.allCases.map(\.rawValue))
        for member in object.members {
            let names = member.value.object?.members.map { "\(member.name).\($0.name)" } ?? [member.name]
            if let unknown = names.first(where: { !known.contains($0) }) {
                throw Failure(
                    sentence: "The configuration file \(file) has \(unknown), which is not a setting of latchkey.")
            }
        }
    }
}
