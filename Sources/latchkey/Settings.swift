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
    private let given: Set<Setting>
    /// Variables that were left aside; none when the settings say to refuse them.
    let unknown: UnknownVariables
    /// The file of the variable `SSL_CERT_FILE`, which many programs share; `nil` when it is not given.
    let systemAuthorities: String?

    /// - Parameters:
    ///   - commandLine: what was given as options.
    ///   - file: the path of a JSON file.
    init(commandLine: [Setting: String], file: String?, environment: [String: String]) async throws(Failure) {
        try Self.refuseServiceAddress(environment)
        let inFile = if let file { try Self.names(inFile: file) } else { Set<Setting>() }
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
        given = inFile.union(commandLine.keys).union(Setting.allCases.filter { environment[$0.environmentName] != nil })
        systemAuthorities = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        unknown = UnknownVariables(environment)
        if let sentence = unknown.sentence, texts[.environmentUnknown] == "refuse" { throw Failure(sentence: sentence) }
    }

    /// Whether somebody gave a value for it, if only the same as the default.
    func isGiven(_ setting: Setting) -> Bool { given.contains(setting) }

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

    /// A Service of Kubernetes can have such a name that its address comes in the place of a setting.
    private static func refuseServiceAddress(_ environment: [String: String]) throws(Failure) {
        for setting in Setting.allCases {
            let name = setting.environmentName
            guard name.hasSuffix("_PORT"), environment[name].map(Setting.isServiceAddress) == true else { continue }
            let service = name.dropLast("_PORT".count).lowercased().map { $0 == "_" ? "-" : $0 }
            throw Failure(
                sentence:
                    "\(name) has the address of a Service, and not the setting \(setting.rawValue): Kubernetes sets "
                    + "it for a Service named \(String(service)). Set enableServiceLinks: false in the Pod, or name the "
                    + "Service otherwise.")
        }
    }

    /// The settings that a file has. A misspelt one must not leave a default in force that somebody believes to have
    /// changed: nothing else has a reason to stand in this file.
    private static func names(inFile file: String) throws(Failure) -> Set<Setting> {
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
        var found: Set<Setting> = []
        for member in object.members {
            for name in member.value.object?.members.map({ "\(member.name).\($0.name)" }) ?? [member.name.string] {
                guard let setting = Setting(rawValue: name) else {
                    let meant = Setting.meant(by: name).map { " (did you mean \($0.rawValue)?)" } ?? ""
                    throw Failure(
                        sentence:
                            "The configuration file \(file) has \(name), which is not a setting of latchkey\(meant).")
                }
                found.insert(setting)
            }
        }
        return found
    }
}
