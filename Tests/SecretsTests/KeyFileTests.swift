import Foundation
import Secrets
import Testing
import Values

/// The keys in their files, each test in a directory of its own.
final class KeyFileTests {
    private let directory: String
    private var master: String { directory + "/master.key" }
    private var pepper: String { directory + "/pepper.key" }
    private let text = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

    init() throws {
        directory = NSTemporaryDirectory() + "keys-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private func load(createIfMissing: Bool = false, _ entropy: Entropy = .system) throws -> DeploymentSecrets {
        try .load(
            master: .directory, pepper: .directory, directory: directory, createIfMissing: createIfMissing,
            entropy: entropy)
    }

    private func write(_ content: String, _ path: String, mode: Int = 0o600) {
        let isMade = FileManager.default.createFile(
            atPath: path, contents: Data(content.utf8), attributes: [.posixPermissions: mode])
        #expect(isMade)
    }

    @Test("the first start makes both keys for the owner alone; every later start finds the same")
    func firstStart() throws {
        let made = try load(createIfMissing: true)
        for path in [master, pepper] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let line = try String(contentsOfFile: path, encoding: .utf8)
            #expect(line.count == 44)
            #expect(line.hasSuffix("\n"))
        }
        #expect(try Data(contentsOf: URL(filePath: master)) != Data(contentsOf: URL(filePath: pepper)))
        #expect(try load().fingerprint == made.fingerprint)
        #expect(try load(createIfMissing: true).fingerprint == made.fingerprint)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 2)
    }

    @Test("other randomness makes other keys")
    func otherKeys() throws {
        let first = try load(createIfMissing: true, .seeded(1)).fingerprint
        for path in [master, pepper] { try FileManager.default.removeItem(atPath: path) }
        #expect(try load(createIfMissing: true, .seeded(2)).fingerprint != first)
    }

    @Test("a missing key is named and, where there is data, not made anew")
    func missing() throws {
        #expect(throws: DeploymentSecretsError.missing(path: master)) { try load() }
        write(text, master)
        let error = #expect(throws: DeploymentSecretsError.self) { try load() }
        #expect(error == .missing(path: pepper))
        #expect(error?.sentence.contains(pepper) == true)
        #expect(!FileManager.default.fileExists(atPath: pepper))
    }

    @Test("on a first start that has one key already, only the other is made")
    func half() throws {
        write(text + "\n", master)
        _ = try load(createIfMissing: true)
        #expect(try String(contentsOfFile: master, encoding: .utf8) == text + "\n")
        #expect(FileManager.default.fileExists(atPath: pepper))
    }

    @Test("a key that others may read or write is refused", arguments: [0o644, 0o604, 0o601, 0o602, 0o650, 0o666])
    func tooOpen(mode: Int) {
        write(text, master)
        write(text, pepper)
        #expect(throws: Never.self) { try load() }
        #expect(chmod(pepper, mode_t(mode)) == 0)
        #expect(throws: DeploymentSecretsError.tooOpen(path: pepper)) { try load() }
    }

    @Test(
        "a key in the directory that was opened to our group alone is closed, and told",
        arguments: [0o640, 0o620, 0o660])
    func opened(mode: Int) throws {
        write(text, master)
        write(text, pepper)
        #expect(try load().remarks == [])
        #expect(chmod(pepper, mode_t(mode)) == 0)
        let remarks = try load().remarks
        #expect(remarks.count == 1)
        #expect(remarks.first?.contains(pepper) == true)
        #expect(remarks.first?.contains(text) == false)
        let attributes = try FileManager.default.attributesOfItem(atPath: pepper)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try load().remarks == [])
    }

    @Test("a key elsewhere is not changed: read-only for our group it is read and told, otherwise refused")
    func elsewhere() throws {
        let elsewhere = directory + "/elsewhere"
        write(text, elsewhere)
        func load() throws -> DeploymentSecrets {
            try .load(
                master: .file(elsewhere), pepper: .directory, directory: directory, createIfMissing: true,
                entropy: .system)
        }
        #expect(chmod(elsewhere, 0o440) == 0)
        #expect(try load().remarks.count == 1)
        for mode: mode_t in [0o640, 0o660, 0o444, 0o644] {
            #expect(chmod(elsewhere, mode) == 0)
            #expect(throws: DeploymentSecretsError.tooOpen(path: elsewhere)) { try load() }
            let attributes = try FileManager.default.attributesOfItem(atPath: elsewhere)
            #expect(attributes[.posixPermissions] as? Int == Int(mode))
        }
    }

    @Test("a key is read with padding, without a line end, and with one of Unix or Windows")
    func spellings() throws {
        let expected = DeploymentSecrets(master: Samples.bytes(1), pepper: Samples.bytes(1)).fingerprint
        write(text, pepper)
        for content in [text, text + "\n", text + "=", text + "=\n", text + "\r\n", text + "=\r\n", " \(text) \n\n"] {
            write(content, master)
            #expect(try load().fingerprint == expected, "\(content.debugDescription)")
        }
    }

    @Test("a key that is not 32 bytes of base64 is refused by its place, and the sentence does not repeat it")
    func malformed() {
        write(text, pepper)
        for content in [
            "", "\n", "=", String(text.dropLast()), text + "A", text + "AA", text + "\n" + text, "\0" + text,
            String(repeating: "01", count: 32), String(repeating: "0", count: 43).replacing("00", with: "-_"),
            text.dropLast() + "F", "AQEB AQEB", String(repeating: text, count: 10), "{\"key\":\"\(text)\"}",
        ] {
            write(content, master)
            let error = #expect(throws: DeploymentSecretsError.self, "\(content)") { try load() }
            #expect(error == .malformed(source: master))
            #expect(error?.sentence.contains(text.prefix(8)) == false)
            #expect(error?.sentence.contains(master) == true)
        }
    }

    @Test("a key can come from a file elsewhere or from a setting")
    func sources() throws {
        let elsewhere = directory + "/elsewhere"
        write(text, elsewhere)
        let keys = try DeploymentSecrets.load(
            master: .file(elsewhere), pepper: .value(Secret(text + "="), from: "pepper"), directory: directory,
            createIfMissing: true, entropy: .system)
        #expect(keys.fingerprint == DeploymentSecrets(master: Samples.bytes(1), pepper: Samples.bytes(1)).fingerprint)
        #expect(!FileManager.default.fileExists(atPath: master))
        #expect(throws: DeploymentSecretsError.missing(path: directory + "/nowhere")) {
            try DeploymentSecrets.load(
                master: .file(directory + "/nowhere"), pepper: .directory, directory: directory, createIfMissing: true,
                entropy: .system)
        }
        let error = #expect(throws: DeploymentSecretsError.self) {
            try DeploymentSecrets.load(
                master: .file(elsewhere), pepper: .value(Secret("hunter2"), from: "keys.pepper"), directory: directory,
                createIfMissing: true, entropy: .system)
        }
        #expect(error?.sentence.contains("keys.pepper") == true)
        #expect(error?.sentence.contains("hunter2") == false)
    }

    @Test("a directory that is not there, and a key that is a directory, are told apart from a missing key")
    func unusable() throws {
        let nowhere = directory + "/nowhere"
        #expect(throws: DeploymentSecretsError.unreadable(path: nowhere + "/master.key", code: ENOENT)) {
            try DeploymentSecrets.load(
                master: .directory, pepper: .directory, directory: nowhere, createIfMissing: true, entropy: .system)
        }
        try FileManager.default.createDirectory(
            atPath: master, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        #expect(throws: DeploymentSecretsError.unreadable(path: master, code: EISDIR)) { try load() }
    }

    @Test("a dangling link in the place of a key is not written through")
    func links() throws {
        try FileManager.default.createSymbolicLink(atPath: master, withDestinationPath: directory + "/target")
        #expect(throws: DeploymentSecretsError.unreadable(path: master, code: EEXIST)) {
            try load(createIfMissing: true)
        }
        #expect(!FileManager.default.fileExists(atPath: directory + "/target"))
    }
}
