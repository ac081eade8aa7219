import HTTP
import Hummingbird
import Management
import Values
import Web

/// How the deployment is: what was measured just now, and what to do where it is not well.
struct HealthPage: View {
    struct Check: View {
        let id: String
        let name: String
        /// What it is.
        let help: String
        let status: Status
        let value: String
        /// Such as `of 1,024`.
        let bound: String?
    }

    struct Fact: View {
        let name: String
        let value: String
        let more: String?
    }

    let lead: String
    let status: Status
    let checks: [Check]
    let facts: [Fact]
}

extension Console {
    func declareHealth(_ routes: inout Routes) {
        page(&routes, "/health", for: .getDeploymentHealth) { visit in
            let health = try await management.getDeploymentHealth(visit.caller)
            return try await visit.page("health", visit.healthPage(health), in: .health)
        }
    }
}

extension Visit {
    fileprivate func healthPage(_ health: Health) -> HealthPage {
        HealthPage(
            lead: strings("health.lead", ["time": formats.exact(health.at)]),
            status: status(health.state, reason: nil), checks: health.checks.map(check),
            facts: [
                HealthPage.Fact(name: strings("health.version"), value: health.version, more: nil),
                HealthPage.Fact(
                    name: strings("health.started"), value: formats.exact(health.startedAt),
                    more: formats.local(health.startedAt)),
                HealthPage.Fact(
                    name: strings("health.database_size"),
                    value: health.databaseBytes.map(bytes) ?? strings("health.unknown"),
                    more: strings("health.database_size_help")),
                HealthPage.Fact(
                    name: strings("health.schema"),
                    value: strings.count(
                        "health.steps", health.schema.count, shown: formats.number(health.schema.count)),
                    more: health.schema.joined(separator: ", ")),
            ])
    }

    /// What was measured in words, and what to do where it is not well.
    private func check(_ check: HealthCheck) -> HealthPage.Check {
        let key = "health." + check.kind.rawValue
        let advice =
            check.value == nil && check.kind != .database ? "health.not_measured" : key + "_" + check.state.rawValue
        return HealthPage.Check(
            id: "check-\(check.kind.rawValue)", name: strings(key), help: strings(key + "_help"),
            status: status(check.state, reason: check.state == .well ? nil : strings(advice)),
            value: check.value.map { words($0, of: check.kind) } ?? strings("health.unknown"),
            bound: check.bound.map { strings("health.of", ["bound": words($0, of: check.kind)]) })
    }

    private func status(_ state: HealthCheck.State, reason: String?) -> Status {
        let word = strings("health." + state.rawValue)
        return switch state {
        case .well: Status(.good, .active, word, reason: reason)
        case .watch: Status(.warn, .limit, word, reason: reason)
        case .act: Status(.bad, .leak, word, reason: reason)
        }
    }

    private func words(_ value: Int64, of kind: HealthCheck.Kind) -> String {
        switch kind {
        case .database: strings("health.milliseconds", ["number": tenths(value / 100)])
        case .clock: strings("health.seconds", ["number": tenths(value / 100_000)])
        case .disk: bytes(value)
        case .reads, .writes, .charges, .calls, .connections, .passwordHashes, .keyHashes, .keyFiles:
            formats.number(Int(value))
        }
    }

    /// `12.5 MiB`, rounded down.
    private func bytes(_ count: Int64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
        var size = count
        var unit = 0
        while size >= 1 << 20, unit < units.count - 1 { (size, unit) = (size >> 10, unit + 1) }
        return tenths(size / 1024 * 10 + size % 1024 * 10 / 1024) + " " + units[unit]
    }

    /// `12.5`
    private func tenths(_ number: Int64) -> String { formats.number(Int(number / 10)) + ".\(number % 10)" }
}
