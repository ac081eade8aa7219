package import Values

/// How the deployment is: what its parts measure anyway, each with what is to be made of it.
package struct Health: Sendable {
    /// Of the product.
    package let version: String
    /// When the process began to serve.
    package let startedAt: Timestamp
    /// When it was measured.
    package let at: Timestamp
    /// The steps that the schema of the database has had.
    package let schema: [String]
    /// Of the database with its log; `nil` when it could not be asked for.
    package let databaseBytes: Int64?
    package let checks: [HealthCheck]

    package init(
        version: String, startedAt: Timestamp, at: Timestamp, schema: [String], databaseBytes: Int64?,
        checks: [HealthCheck]
    ) {
        self.version = version
        self.startedAt = startedAt
        self.at = at
        self.schema = schema
        self.databaseBytes = databaseBytes
        self.checks = checks
    }

    /// That of the worst check.
    package var state: HealthCheck.State { checks.map(\.state).max() ?? .well }
}

/// One thing that was measured.
package struct HealthCheck: Sendable, Equatable {
    package enum State: String, CaseIterable, Sendable, Comparable {
        case well
        /// It may pass by itself, or be trouble soon.
        case watch
        /// Somebody has to do something.
        case act

        private var rank: Int { self == .well ? 0 : self == .watch ? 1 : 2 }

        package static func < (left: State, right: State) -> Bool { left.rank < right.rank }
    }

    package enum Kind: String, CaseIterable, Sendable {
        /// How long a read took, in microseconds.
        case database
        /// Reads and writes of people that wait for the database or are under way.
        case reads, writes
        /// Free bytes where the data is, of all.
        case disk
        /// Charges that are in the log and not in the totals yet. The bound is how many ask for the next fold at once.
        case charges
        /// Calls under way, and connections.
        case calls, connections
        /// Hashes that wait: of passwords, and of keys and tokens.
        case passwordHashes = "password_hashes"
        case keyHashes = "key_hashes"
        /// By how much the clock is behind what was recorded last, in microseconds: it was set back.
        case clock
        /// What is to be known about the files of the deployment's secrets; the log of the start says it.
        case keyFiles = "key_files"

        package var unit: String {
            switch self {
            case .database, .clock: "microseconds"
            case .disk: "bytes"
            case .reads, .writes, .charges, .calls, .connections, .passwordHashes, .keyHashes, .keyFiles: "count"
            }
        }
    }

    package let kind: Kind
    /// In the unit of the kind; `nil` when it could not be had.
    package let value: Int64?
    /// The most that there can be, where there is one.
    package let bound: Int64?

    package init(_ kind: Kind, _ value: Int64?, of bound: Int64? = nil) {
        self.kind = kind
        self.value = value
        self.bound = bound
    }

    package var state: State {
        guard let value else { return kind == .database ? .act : .watch }
        switch kind {
        case .database: return value < 1_000_000 ? .well : .watch
        case .disk: return value < 256 << 20 ? .act : value < 1 << 30 ? .watch : .well
        // The docs promise that a step of up to a minute does no harm.
        case .clock: return value < 1_000_000 ? .well : value <= 60_000_000 ? .watch : .act
        case .keyFiles: return value == 0 ? .well : .watch
        case .charges:
            let bound = bound ?? .max
            return value <= bound ? .well : value / 10 < bound ? .watch : .act
        case .reads, .writes, .calls, .connections, .passwordHashes, .keyHashes:
            guard let bound, bound > 0 else { return .well }
            return value >= bound ? .act : value >= bound - bound / 5 ? .watch : .well
        }
    }
}

extension Management {
    package func getDeploymentHealth(_ caller: Caller) async throws(Refusal) -> Health {
        try await perform(.getDeploymentHealth, caller) { domains, _ in await domains.health() }
    }
}
