import Accounts
import Applications
import Credentials
import Policy
import TestSupport
import Testing
import Values

@Suite("Rotations of a day")
struct RotationLimitTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    @Test("twenty in one UTC day for all keys of an account together, and anew from midnight on") func perDay()
        async throws
    {
        let keys = [try await house.issue().credential, try await house.issue().credential]
        for number in 0..<20 { _ = try await house.rotate(keys[number % 2]) }
        // Noon to midnight.
        for key in keys {
            await #expect(throws: CredentialsError.dailyRotationLimitReached(20, retryAfterSeconds: 43_200)) {
                try await house.rotate(key)
            }
        }
        house.hand.advance(.seconds(43_200) - .microseconds(1))
        await #expect(throws: CredentialsError.dailyRotationLimitReached(20, retryAfterSeconds: 1)) {
            try await house.rotate(keys[0], overlap: 60)
        }
        house.hand.advance(.microseconds(1))
        _ = try await house.rotate(keys[0])
        // A clock that steps back over midnight opens no second day.
        house.hand.advance(.seconds(-1))
        for _ in 0..<19 { _ = try await house.rotate(keys[1]) }
        await #expect(throws: CredentialsError.dailyRotationLimitReached(20, retryAfterSeconds: 86_401)) {
            try await house.rotate(keys[0])
        }
    }

    @Test("creations and rotations are counted apart, and each account's by itself") func apart() async throws {
        let bob = try await house.bob()
        let dog = try await house.app("Dog", of: bob)
        var made: [Credential] = []
        for _ in 0..<10 { made.append(try await house.issue().credential) }
        for _ in 0..<20 { _ = try await house.rotate(made[0]) }
        await #expect(throws: CredentialsError.dailyRotationLimitReached(20, retryAfterSeconds: 43_200)) {
            try await house.rotate(made[1])
        }
        let his = try await house.credentials.issue(
            CredentialDraft(application: dog.id, name: .empty, terms: KeyTerms()), by: bob, .test
        ).0
        _ = try await house.rotate(his)
        try await house.delete(made[0])
        await #expect(throws: CredentialsError.dailyLimitReached(10, retryAfterSeconds: 43_200)) {
            try await house.issue()
        }
        // The first creation of a day keeps its rotations, and the reverse.
        house.hand.advance(.seconds(43_200))
        _ = try await house.rotate(made[1])
        _ = try await house.issue()
        for _ in 0..<19 { _ = try await house.rotate(made[1]) }
        await #expect(throws: CredentialsError.dailyRotationLimitReached(20, retryAfterSeconds: 86_400)) {
            try await house.rotate(made[1])
        }
    }

    @Test("however many ask at once, twenty are made") func race() async throws {
        let house = house
        let keys = [try await house.issue().credential, try await house.issue().credential]
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<26 {
                group.addTask {
                    do {
                        _ = try await house.rotate(keys[number % 2])
                        return true
                    } catch CredentialsError.dailyRotationLimitReached {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 20)
    }
}
