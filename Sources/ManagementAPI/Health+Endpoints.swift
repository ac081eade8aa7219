import HTTP
import Hummingbird
import JSON
import Management
import Values
import Web

extension ManagementAPI {
    func declareHealth(_ routes: inout Routes) {
        on(&routes, .get, "/health", for: .getDeploymentHealth) { call in
            .json(try await management.getDeploymentHealth(call.caller).json)
        }
    }
}

extension Health {
    fileprivate var json: JSON {
        [
            "state": .string(state.rawValue), "version": .string(version), "started_at": .string(startedAt.rfc3339),
            "at": .string(at.rfc3339), "schema": .array(schema.map { .string($0) }),
            "database_bytes": databaseBytes.map { JSON($0) } ?? .null,
            "checks": .array(
                checks.map { check -> JSON in
                    [
                        "name": .string(check.kind.rawValue), "state": .string(check.state.rawValue),
                        "value": check.value.map { JSON($0) } ?? .null, "bound": check.bound.map { JSON($0) } ?? .null,
                        "unit": .string(check.kind.unit),
                    ]
                }),
        ]
    }
}
