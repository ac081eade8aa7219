/// Every setting there is: its key in the file, its kind, its default and what it is for. The environment variable is
/// the key in capitals with `LATCHKEY_` before it and `_` for the dot.
enum Setting: String, CaseIterable, Sendable {
    case listenHost = "listen.host"
    case listenPort = "listen.port"
    case listenMaxConnections = "listen.max_connections"
    case listenMaxReceivingBytes = "listen.max_receiving_bytes"
    case listenSharePercent = "listen.share_percent"
    case listenTrustedProxies = "listen.trusted_proxies"
    case dataDir = "data.dir"
    case masterKeyFile = "master_key_file"
    case masterKey = "master_key"
    case pepperFile = "pepper_file"
    case pepper = "pepper"
    case keyPrefix = "key.prefix"
    case argon2MemoryKiB = "argon2.memory_kib"
    case argon2Iterations = "argon2.iterations"
    case argon2Parallelism = "argon2.parallelism"
    case argon2Workers = "argon2.workers"
    case argon2Queue = "argon2.queue"
    case sessionIdleMinutes = "session.idle_minutes"
    case sessionAbsoluteHours = "session.absolute_hours"
    case managementWritesPerMinute = "management.writes_per_minute"
    case managementTurns = "management.turns"
    case gatewayMaxRequestBytes = "gateway.max_request_bytes"
    case gatewayMaxResponseBytes = "gateway.max_response_bytes"
    case gatewayConnectTimeoutMs = "gateway.connect_timeout_ms"
    case gatewayIdleTimeoutMs = "gateway.idle_timeout_ms"
    case gatewayTotalTimeoutMs = "gateway.total_timeout_ms"
    case gatewayUpstreamConnections = "gateway.upstream_connections"
    case gatewayCAFile = "gateway.ca_file"
    case logLevel = "log.level"
    case environmentUnknown = "environment.unknown"

    enum Kind {
        case text
        /// Never shown, not even in an error.
        case secret
        case integer(ClosedRange<Int>)
        case choice([String])
        case addresses

        /// The end of the sentence "… must be".
        var rule: String {
            switch self {
            case .text: "a text"
            case .secret: "the base64 text of 32 bytes"
            case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
            case .choice(let choices): "one of " + choices.joined(separator: ", ")
            case .addresses: "IP addresses or CIDR blocks with commas between them, such as 127.0.0.1,10.0.0.0/8"
            }
        }
    }

    var kind: Kind {
        switch self {
        case .listenHost, .dataDir, .masterKeyFile, .pepperFile, .keyPrefix, .gatewayCAFile: .text
        case .masterKey, .pepper: .secret
        case .listenPort: .integer(0...65_535)
        case .listenMaxConnections: .integer(1...100_000)
        case .listenMaxReceivingBytes: .integer(1_048_576...1_099_511_627_776)
        case .listenSharePercent: .integer(1...1000)
        case .listenTrustedProxies: .addresses
        case .argon2MemoryKiB: .integer(7168...1_048_576)
        case .argon2Iterations, .argon2Parallelism: .integer(1...16)
        case .argon2Workers: .integer(0...64)
        case .argon2Queue: .integer(1...10_000)
        case .sessionIdleMinutes: .integer(1...60)
        case .sessionAbsoluteHours: .integer(1...24)
        case .managementWritesPerMinute: .integer(1...1_000_000)
        case .managementTurns: .integer(1...1000)
        case .gatewayMaxRequestBytes: .integer(1024...268_435_456)
        case .gatewayMaxResponseBytes: .integer(1024...1_073_741_824)
        case .gatewayConnectTimeoutMs: .integer(100...60_000)
        case .gatewayIdleTimeoutMs: .integer(100...600_000)
        case .gatewayTotalTimeoutMs: .integer(100...3_600_000)
        case .gatewayUpstreamConnections: .integer(1...10_000)
        case .logLevel: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"])
        case .environmentUnknown: .choice(["warn", "refuse"])
        }
    }

    /// The value without any setting; the empty text is "not given".
    var standard: String {
        switch self {
        case .listenHost: "127.0.0.1"
        case .listenPort: "8080"
        case .listenMaxConnections: "4096"
        case .listenMaxReceivingBytes: "268435456"
        case .listenSharePercent: "100"
        case .dataDir: "latchkey-data"
        case .listenTrustedProxies, .masterKeyFile, .masterKey, .pepperFile, .pepper, .gatewayCAFile: ""
        case .keyPrefix: "sk-"
        case .argon2MemoryKiB: "19456"
        case .argon2Iterations: "2"
        case .argon2Parallelism: "1"
        case .argon2Workers: "0"
        case .argon2Queue: "256"
        case .sessionIdleMinutes: "60"
        case .sessionAbsoluteHours: "24"
        case .managementWritesPerMinute: "600"
        case .managementTurns: "8"
        case .gatewayMaxRequestBytes: "33554432"
        case .gatewayMaxResponseBytes: "67108864"
        case .gatewayConnectTimeoutMs: "5000"
        case .gatewayIdleTimeoutMs: "600000"
        case .gatewayTotalTimeoutMs: "1800000"
        case .gatewayUpstreamConnections: "1024"
        case .logLevel: "info"
        case .environmentUnknown: "warn"
        }
    }

    var environmentName: String {
        Self.environmentPrefix + rawValue.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }
}
