import Testing

@testable import latchkey

@Suite("Variables that are no setting")
struct UnknownVariablesTests {
    @Test(
        "the setting that was meant",
        arguments: [
            ("LATCHKEY_SESION_IDLE_MINUTES", Setting.sessionIdleMinutes), ("LATCHKEY_LISTEN_PROT", .listenPort),
            ("LATCHKEY_LOGLEVEL", .logLevel), ("LATCHKEY_DATADIR", .dataDir), ("LATCHKEY_data_dir", .dataDir),
            ("LATCHKEY_PORT", .listenPort), ("LATCHKEY_HOST", .listenHost),
            ("LATCHKEY_TRUSTED_PROXIES", .listenTrustedProxies),
            ("LATCHKEY_PEPER", .pepper), ("LATCHKEY_MASTERKEY", .masterKey),
            ("LATCHKEY_MASTER_KEY_FLIE", .masterKeyFile),
            ("listen.prot", .listenPort), ("sesion.idle_minutes", .sessionIdleMinutes),
        ])
    func meant(name: String, setting: Setting) {
        #expect(Setting.meant(by: name) == setting)
    }

    @Test(
        "nothing is suggested where nothing is near",
        arguments: [
            "LATCHKEY_", "LATCHKEY_COLOUR", "LATCHKEY_KEY", "LATCHKEY_GATEWAY", "LATCHKEY_GATEWAY_TIMEOUT", "port2",
            "LATCHKEY_" + String(repeating: "LISTEN_PORT", count: 1000), "LATCHKEY_\u{301}\u{301}",
        ])
    func meantNone(name: String) {
        #expect(Setting.meant(by: name) == nil)
    }

    @Test("every setting is what its own name means") func own() {
        for setting in Setting.allCases {
            #expect(Setting.meant(by: setting.environmentName) == setting)
            #expect(Setting.meant(by: setting.rawValue) == setting)
        }
    }

    /// As in a Pod beside a Service `latchkey` with two ports, and another `latchkey-metrics`.
    private static let kubernetes = [
        "LATCHKEY_SERVICE_HOST": "10.96.0.12", "LATCHKEY_SERVICE_PORT": "8080", "LATCHKEY_SERVICE_PORT_HTTP": "8080",
        "LATCHKEY_PORT": "tcp://10.96.0.12:8080", "LATCHKEY_PORT_8080_TCP": "tcp://10.96.0.12:8080",
        "LATCHKEY_PORT_8080_TCP_PROTO": "tcp", "LATCHKEY_PORT_8080_TCP_PORT": "8080",
        "LATCHKEY_PORT_8080_TCP_ADDR": "10.96.0.12", "LATCHKEY_PORT_53_UDP": "udp://10.96.0.12:53",
        "LATCHKEY_METRICS_SERVICE_HOST": "10.96.0.13", "LATCHKEY_METRICS_PORT": "tcp://10.96.0.13:9090",
        "LATCHKEY_METRICS_PORT_9090_TCP_ADDR": "10.96.0.13",
    ]

    @Test("what Kubernetes sets is nobody's mistake") func ofKubernetes() {
        let unknown = UnknownVariables(Self.kubernetes)
        #expect(unknown.names == [])
        #expect(unknown.sentence == nil)
        #expect(unknown.ofKubernetes == Self.kubernetes.keys.sorted())
    }

    @Test("no setting has a name that a Service `latchkey` would set") func noCollision() {
        for setting in Setting.allCases {
            let alone = UnknownVariables([setting.environmentName: "tcp://10.0.0.1:1"])
            #expect(alone.names.isEmpty && alone.ofKubernetes.isEmpty)
            #expect(Self.kubernetes[setting.environmentName] == nil)
            #expect(setting != .listenPort || setting.environmentName != "LATCHKEY_PORT")
            for ending in ["_SERVICE_HOST", "_SERVICE_PORT", "_TCP", "_ADDR"] {
                #expect(!setting.environmentName.hasSuffix(ending))
            }
        }
    }

    @Test("a number in LATCHKEY_PORT is somebody's mistake, and the sentence helps") func sentence() {
        let unknown = UnknownVariables(["LATCHKEY_PORT": "9090", "LATCHKEY_COLOUR": "red", "PATH": "/bin"])
        #expect(unknown.names == ["LATCHKEY_COLOUR", "LATCHKEY_PORT"])
        #expect(
            unknown.sentence
                == "No setting of latchkey has the name of the environment variables LATCHKEY_COLOUR, "
                + "LATCHKEY_PORT (did you mean LATCHKEY_LISTEN_PORT?).")
        #expect(
            UnknownVariables(["LATCHKEY_X": "red"]).sentence
                == "No setting of latchkey has the name of the environment variable LATCHKEY_X.")
    }

    @Test("the sentence is one short line, whatever the names are, and has no value") func bounded() {
        var environment: [String: String] = [:]
        for number in 0..<1000 {
            environment["LATCHKEY_\n\u{1B}\(number)" + String(repeating: "X", count: 5000)] = "planted"
        }
        let sentence = UnknownVariables(environment).sentence ?? ""
        #expect(sentence.utf8.count < 1000)
        #expect(sentence.hasSuffix(", and 992 more."))
        #expect(sentence.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(!sentence.contains("planted"))
    }
}
