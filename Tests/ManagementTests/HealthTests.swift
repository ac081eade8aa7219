import TestSupport
import Testing

@testable import Management

@Suite("How a deployment is")
struct HealthTests {
    private func state(_ kind: HealthCheck.Kind, _ value: Int64?, of bound: Int64? = nil) -> HealthCheck.State {
        HealthCheck(kind, value, of: bound).state
    }

    @Test("places are to be watched from four fifths on, and none left is trouble") func places() {
        for kind in [HealthCheck.Kind.reads, .writes, .calls, .connections, .passwordHashes, .keyHashes] {
            #expect(state(kind, 79, of: 100) == .well && state(kind, 80, of: 100) == .watch)
            #expect(state(kind, 99, of: 100) == .watch && state(kind, 100, of: 100) == .act)
            #expect(state(kind, .max, of: .max) == .act && state(kind, nil, of: 100) == .watch)
            #expect(state(kind, 0, of: 1) == .well && state(kind, 1, of: 1) == .act)
        }
    }

    @Test("what has no places has a border of its own") func borders() {
        #expect(state(.database, 999_999) == .well && state(.database, 1_000_000) == .watch)
        #expect(state(.database, nil) == .act)
        #expect(state(.disk, 1 << 30) == .well && state(.disk, 1 << 30 - 1) == .watch)
        #expect(state(.disk, 256 << 20) == .watch && state(.disk, 256 << 20 - 1) == .act && state(.disk, nil) == .watch)
        #expect(state(.clock, 999_999) == .well && state(.clock, 60_000_000) == .watch)
        #expect(state(.clock, 60_000_001) == .act)
        #expect(state(.keyFiles, 0) == .well && state(.keyFiles, 1) == .watch)
        #expect(state(.charges, 10, of: 10) == .well && state(.charges, 11, of: 10) == .watch)
        #expect(state(.charges, 99, of: 10) == .watch && state(.charges, 100, of: 10) == .act)
        #expect(state(.charges, .max, of: .max) == .well)
    }

    @Test("the whole is as its worst part, and well without any") func whole() async throws {
        let checks = [HealthCheck(.keyFiles, 1), HealthCheck(.disk, 0), HealthCheck(.clock, 0)]
        let house = try ManagementHouse(checks: checks)
        let admin = try await house.session(of: try await house.operators())
        let health = try await house.management.getDeploymentHealth(admin)
        #expect(health.checks == checks && health.state == .act && health.version == "0.0.0")
        let nothing = try ManagementHouse(checks: [])
        let other = try await nothing.session(of: try await nothing.operators())
        #expect(try await nothing.management.getDeploymentHealth(other).state == .well)
    }
}
