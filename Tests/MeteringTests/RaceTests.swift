import Accounts
import Credentials
import Database
import Policy
import Synchronization
import TestSupport
import Testing
import Values

@testable import Metering

/// Changes that come amid holds: each hold is before the change, or under the new terms.
@Suite("Changes amid calls")
struct RaceTests {
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isUp: Bool { value.withLock { $0 } }
        func raise() { value.withLock { $0 = true } }
    }

    /// Holds again and again on many tasks, with facts that are decided once and used until they are refused, while
    /// `change` is made.
    /// - Returns: how many were held by calls that began after `change` had returned.
    private static func shoot(
        _ house: MeteringHouse, _ key: Credential, _ change: @escaping @Sendable () async throws -> Void
    ) async throws -> (before: Int, after: Int) {
        let changed = Flag()
        return try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<6 {
                group.addTask {
                    var counts = (0, 0)
                    for _ in 0..<400 {
                        let isAfter = changed.isUp
                        do {
                            let hold = try await house.hold(key, cost: Credits(micro: 1))
                            if isAfter { counts.1 += 1 } else { counts.0 += 1 }
                            house.release(hold)
                        } catch is Denial {}
                    }
                    return counts
                }
            }
            group.addTask {
                try await Task.sleep(for: .milliseconds(20))
                try await change()
                changed.raise()
                return (0, 0)
            }
            return try await group.reduce(into: (before: 0, after: 0)) { sum, counts in
                sum.before += counts.0
                sum.after += counts.1
            }
        }
    }

    private func made() async throws -> (MeteringHouse, Credential) {
        let house = try await MeteringHouse()
        try await house.grant(1)
        return (house, try await house.key(limit: Credits(1)))
    }

    @Test("no call that comes after a key was switched off is held") func disabled() async throws {
        let (house, key) = try await made()
        let held = try await Self.shoot(house, key) {
            var edit = CredentialEdit()
            edit.isEnabled = false
            _ = try await house.credentials.edit(key.id, of: key.account, edit, by: .test)
        }
        #expect(held.after == 0)
    }

    @Test("no call that comes after a key was deleted is held") func deleted() async throws {
        let (house, key) = try await made()
        let held = try await Self.shoot(house, key) {
            try await house.credentials.delete(key.id, of: key.account, by: .test)
        }
        #expect(held.after == 0)
    }

    @Test("no call that comes after an account was suspended is held") func suspended() async throws {
        let (house, key) = try await made()
        let held = try await Self.shoot(house, key) { try await house.suspend(key.account) }
        #expect(held.after == 0)
    }

    @Test("no call that comes after a limit went to nothing is held") func limited() async throws {
        let (house, key) = try await made()
        let held = try await Self.shoot(house, key) { try await house.limit(key, to: .some(.zero)) }
        #expect(held.after == 0)
    }

    @Test("no call that comes after all credits were taken away is held") func adjusted() async throws {
        let (house, key) = try await made()
        let held = try await Self.shoot(house, key) {
            // What is held at the moment can't be taken: again, until nothing is.
            while true {
                let available = try await house.balance().available
                if available == .zero, try await house.balance().usage.held == .zero { return }
                do {
                    _ = try await house.metering.adjust(
                        key.account, by: Credits(micro: -available.micro), reason: good("a test"), by: .test)
                } catch MeteringError.balanceTooSmall {}
            }
        }
        #expect(held.after == 0)
        #expect(try await house.difference() == nil)
    }

    @Test("a reduction binds holds before it is on disk, and is given back when it can't be") func reduction()
        async throws
    {
        let (house, key) = try await made()
        _ = try await house.hold(key, cost: Credits(micro: 1))
        try await house.breakLedger()
        await #expect(throws: DatabaseFailure.self) {
            try await house.metering.adjust(key.account, by: Credits(micro: -500_000), reason: good("x"), by: .test)
        }
        #expect(try await house.balance().available == Credits(micro: 999_999))
        try await house.mend()
        _ = try await house.metering.adjust(key.account, by: Credits(micro: -999_999), reason: good("x"), by: .test)
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(key, cost: Credits(micro: 1)) }
    }

    @Test("a grant that can't be written can't be spent") func refusedGrant() async throws {
        let (house, key) = try await made()
        try await house.limit(key, to: .some(nil))
        try await house.breakLedger()
        await #expect(throws: DatabaseFailure.self) { try await house.grant(100) }
        await #expect(throws: Denial.insufficientCredits) { try await house.hold(key, cost: Credits(2)) }
        #expect(try await house.balance() == Balance(granted: Credits(1)))
    }

    @Test("grants at once never make a sum that is too large, whoever is first") func grantsAtOnce() async throws {
        let house = try await MeteringHouse()
        let half = Credits(micro: .max / 2 + 1)
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        _ = try await house.metering.grant(half, to: house.ada.account, reason: .empty, by: .test)
                        return 1
                    } catch MeteringError.balanceTooLarge {
                        return 0
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(made == 1)
        #expect(try await house.balance() == Balance(granted: half))
        #expect(try await house.difference() == nil)
    }
}
