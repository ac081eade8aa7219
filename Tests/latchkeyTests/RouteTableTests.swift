import Catalog
import Console
import Foundation
import Gateway
import Logging
import Testing
import Values
import Web
import Yams

@testable import latchkey

@Suite("What is served and what is documented")
struct RouteTableTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Opens a deployment in a temporary folder; nothing listens.
    private func servedRoutes() async throws -> Set<Routes.Entry> {
        let folder = FileManager.default.temporaryDirectory.appending(path: "routes-\(UUID().uuidString)").path
        let settings = try await Settings(commandLine: [.dataDir: folder], file: nil, environment: [:])
        let deployment = try await Deployment.open(settings)
        let server = Server(deployment: deployment, settings: settings, logger: Logger(label: "test"))
        let entries =
            try server.surfaces(nil, Nobody()).routes.entries.filter { !Console.serves($0.path) }
            + Gateway.routes.map { Routes.Entry(method: $0.method, path: $0.path) }
        try await deployment.close()
        return Set(entries)
    }

    /// Tests no provider.
    private struct Nobody: ProviderTester {
        func test(_ upstream: ModelRoute.Upstream) async throws -> ProviderTest { .builtIn }
    }

    @Test("every served route is in openapi.yaml, and the reverse") func inventory() async throws {
        let text = try String(contentsOf: Self.root.appending(path: "openapi.yaml"), encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        let methods: Set<String> = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]
        let documented = paths.flatMap { path, item in
            item.keys.filter(methods.contains).map { Routes.Entry(method: $0.uppercased(), path: path) }
        }
        let served = try await servedRoutes()
        #expect(served.count > 30)
        #expect(served.subtracting(documented).sorted() == [])
        #expect(Set(documented).subtracting(served).sorted() == [])
    }

    @Test("openapi.yaml is of the version that the binary tells") func version() throws {
        let text = try String(contentsOf: Self.root.appending(path: "openapi.yaml"), encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        #expect((document["info"] as? [String: Any])?["version"] as? String == Version.current)
    }

    @Test("docs/settings.md has every setting with its default") func settings() throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/settings.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("|") }
        for setting in Setting.allCases {
            let row = rows.first { $0.contains("`\(setting.environmentName)`") }
            #expect(row != nil, "\(setting.environmentName) is missing")
            #expect(row?.contains("`\(setting.rawValue)`") == true, "\(setting.rawValue)")
            if !setting.standard.isEmpty {
                #expect(row?.contains("`\(setting.standard)`") == true, "\(setting.rawValue) has another default")
            }
        }
    }
}

@Suite("Settings")
struct SettingsTests {
    private func settings(
        _ environment: [String: String] = [:], commandLine: [Setting: String] = [:], file: String? = nil
    ) async throws -> Settings {
        var path: String?
        if let file {
            let url = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString).json")
            try Data(file.utf8).write(to: url)
            path = url.path
        }
        return try await Settings(commandLine: commandLine, file: path, environment: environment)
    }

    @Test("command line over environment over file over defaults") func order() async throws {
        let file = #"{"listen":{"port":1,"host":"a"},"gateway":{"idle_timeout_ms":250}}"#
        let all = try await settings(["LATCHKEY_LISTEN_PORT": "2"], commandLine: [.listenPort: "3"], file: file)
        #expect(all.integer(.listenPort) == 3)
        #expect(try await settings(["LATCHKEY_LISTEN_PORT": "2"], file: file).integer(.listenPort) == 2)
        #expect(try await settings(file: file).integer(.listenPort) == 1)
        #expect(try await settings(file: file).text(.listenHost) == "a")
        #expect(try await settings(file: file).integer(.gatewayIdleTimeoutMs) == 250)
        #expect(try await settings().integer(.listenPort) == 8080)
    }

    @Test("every number refuses what is no number and what is out of range, by name", arguments: Setting.allCases)
    func malformed(setting: Setting) async throws {
        guard case .integer(let range) = setting.kind else { return }
        for value in ["x", "", "1.5", "\(range.upperBound + 1)", "\(range.lowerBound - 1)", "99999999999999999999"] {
            let failure = await #expect(throws: Settings.Failure.self) {
                try await settings([setting.environmentName: value])
            }
            #expect(failure?.sentence.contains(setting.environmentName) == true)
        }
        #expect(
            try await settings([setting.environmentName: "\(range.lowerBound)"]).integer(setting) == range.lowerBound)
        #expect(
            try await settings([setting.environmentName: "\(range.upperBound)"]).integer(setting) == range.upperBound)
    }

    @Test(
        "files that are refused",
        arguments: [
            "", "[]", "{\"listen\":{\"prot\":1}}", "{\"listen\":{\"port\":\"x\"}}",
            "{\"listen\":{\"port\":1,\"port\":2}}",
            "{\"port\":1}", "{\"log\":{\"level\":\"loud\"}}",
        ])
    func badFile(text: String) async {
        await #expect(throws: Settings.Failure.self) { try await settings(file: text) }
    }

    @Test("a misspelt variable is told, in strict mode refused; a foreign one is not looked at") func unknown()
        async throws
    {
        let misspelt = ["LATCHKEY_LISTEN_PROT": "1", "PATH": "/bin", "LATCH_KEY": "1"]
        #expect(try await settings(misspelt).unknown.names == ["LATCHKEY_LISTEN_PROT"])
        #expect(try await settings(["PATH": "/bin", "LATCH_KEY": "1"]).unknown.sentence == nil)
        let strict = ["LATCHKEY_ENVIRONMENT_UNKNOWN": "refuse"]
        let failure = await #expect(throws: Settings.Failure.self) {
            try await settings(misspelt.merging(strict) { one, _ in one })
        }
        #expect(failure?.sentence.contains("did you mean LATCHKEY_LISTEN_PORT?") == true)
        await #expect(throws: Settings.Failure.self) {
            try await settings(misspelt, file: #"{"environment":{"unknown":"refuse"}}"#)
        }
        _ = try await settings(strict.merging(["LATCHKEY_SERVICE_HOST": "10.0.0.1"]) { one, _ in one })
    }

    @Test("a Service whose address comes in the place of a setting is named") func serviceAddress() async {
        let failure = await #expect(throws: Settings.Failure.self) {
            try await settings(["LATCHKEY_LISTEN_PORT": "tcp://10.96.0.12:8080"])
        }
        #expect(failure?.sentence.contains("latchkey-listen") == true)
        #expect(failure?.sentence.contains("enableServiceLinks") == true)
    }

    @Test("which settings somebody gave") func given() async throws {
        let all = try await settings(
            ["LATCHKEY_LISTEN_PORT": "8080"], commandLine: [.listenHost: "a"],
            file: #"{"data":{"dir":"b"},"pepper_file":"c"}"#)
        #expect(Setting.allCases.filter { all.isGiven($0) } == [.listenHost, .listenPort, .dataDir, .pepperFile])
    }

    @Test("a secret's value is in no error") func secret() async throws {
        let settings = try await settings([
            "LATCHKEY_MASTER_KEY": "planted-secret", "LATCHKEY_DATA_DIR": "/tmp/latchkey-none",
        ])
        #expect(settings.text(.masterKey) == "planted-secret")
        defer { try? FileManager.default.removeItem(atPath: "/tmp/latchkey-none") }
        let failure = await #expect(throws: Settings.Failure.self) { try await Deployment.open(settings) }
        #expect(failure?.sentence.contains("planted-secret") == false)
        #expect(failure?.sentence.contains("master") == true)
    }
}
