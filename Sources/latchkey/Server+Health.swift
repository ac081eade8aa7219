import Database
import Foundation
import Management
import Metering
import Secrets
import Values

extension Server {
    /// Measures the deployment now. Nothing of it waits for more than one read of the database.
    @Sendable
    func health() async -> Health {
        let (people, keys) = (deployment.peopleArgon2, deployment.keysArgon2)
        let load = deployment.database.load
        let began = ContinuousClock.now
        let log = try? await deployment.metering.logState()
        let took = (ContinuousClock.now - began) / .microseconds(1)
        let now = deployment.clock.now()
        let room = deployment.directory.room
        return Health(
            version: Version.current, startedAt: startedAt, at: now, schema: Deployment.migrations.map(\.name),
            databaseBytes: deployment.directory.databaseBytes,
            checks: [
                HealthCheck(.database, log == nil ? nil : Int64(took)),
                HealthCheck(.reads, Int64(load.reads), of: Int64(load.limits.depth)),
                HealthCheck(.writes, Int64(load.writes), of: Int64(load.limits.writes)),
                HealthCheck(.disk, room?.free, of: room?.all),
                HealthCheck(.charges, log?.unfolded, of: Int64(LogState.urgent)),
                HealthCheck(.calls, Int64(places.taken), of: Int64(settings.integer(.gatewayUpstreamConnections))),
                HealthCheck(.connections, Int64(connections.taken), of: Int64(settings.integer(.listenMaxConnections))),
                HealthCheck(.passwordHashes, Int64(people.load.waiting), of: Int64(people.queueLimit)),
                HealthCheck(.keyHashes, Int64(keys.load.waiting), of: Int64(keys.queueLimit)),
                HealthCheck(.clock, log.map { max(0, $0.recorded.microseconds - now.microseconds) }),
                HealthCheck(.keyFiles, Int64(deployment.remarks.count)),
            ])
    }
}
