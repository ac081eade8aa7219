import Accounts
import Credentials
import Policy
import TestSupport
import Testing
import Values

@testable import Management

@Suite("Operations that count as changes")
struct PacedOperationTests {
    private let house: ManagementHouse
    private let caller: Caller

    init() throws {
        house = try ManagementHouse(changesPerMinute: 600)
        caller = house.management.caller(.person(house.hand, .root, isAdmin: true), at: nil)
    }

    private func asked(_ operation: Operation) async -> Refusal? {
        do {
            try await house.management.perform(operation, caller, in: Actor.home) { _, _ in }
            return nil
        } catch {
            return error
        }
    }

    @Test("the 601st change of a minute is refused, whichever it is, and nothing else is") func rate() async {
        for _ in 0..<600 { #expect(await asked(.updateApplication) == nil) }
        for operation in Operation.allCases where !operation.needs.isEmpty {
            let refusal = await asked(operation)
            #expect(refusal?.code == (operation.isPaced ? .tooManyChanges : nil), "\(operation)")
            #expect(refusal?.retryAfter == (operation.isPaced ? 1 : nil), "\(operation)")
        }
        house.hand.advance(.seconds(1))
        #expect(await asked(.createCredential) == nil)
    }

    @Test("who may not is told that, and takes nothing from those who may") func refusedTakesNothing() async {
        let member = house.management.caller(.person(house.hand, .member), at: nil)
        for _ in 0..<700 {
            await #expect(throws: Refusal.self) {
                try await house.management.perform(.updateApplication, member) { _, _ in }
            }
        }
        #expect(await asked(.updateApplication) == nil)
    }

    @Test("what only takes power away goes at whatever rate, and is told apart by what it changes") func brakes()
        async throws
    {
        for _ in 0..<600 { #expect(await asked(.updateApplication) == nil) }
        #expect(await asked(.updateCredential)?.code == .tooManyChanges)
        var key = CredentialEdit()
        key.isEnabled = false
        var account = AccountEdit()
        account.isSuspended = true
        let absent = Identifier(at: Timestamp(microseconds: 0), random: (9, 9))
        func code(_ work: () async throws -> Void) async -> Refusal.Code? {
            do {
                try await work()
                return nil
            } catch {
                return (error as? Refusal)?.code
            }
        }
        #expect(await code { _ = try await house.management.updateCredential(caller, absent, key) } == .notFound)
        #expect(await code { _ = try await house.management.updateAccount(caller, absent, account) } == .notFound)
        // Anything beside it, and giving the power back, is a change as any other.
        key.name = .empty
        account.cap = .standard
        #expect(await code { _ = try await house.management.updateCredential(caller, absent, key) } == .tooManyChanges)
        #expect(await code { _ = try await house.management.updateAccount(caller, absent, account) } == .tooManyChanges)
        var (enabled, resumed) = (CredentialEdit(), AccountEdit())
        (enabled.isEnabled, resumed.isSuspended) = (true, false)
        for (key, account) in [(enabled, resumed), (CredentialEdit(), AccountEdit())] {
            #expect(
                await code { _ = try await house.management.updateCredential(caller, absent, key) } == .tooManyChanges)
            #expect(
                await code { _ = try await house.management.updateAccount(caller, absent, account) } == .tooManyChanges)
        }
    }

    @Test("reads and deletions are never paced; what makes or changes something is, but for the hash of a password")
    func words() {
        let free = ["get", "list", "delete", "end", "close", "explain", "verify", "preview", "test", "set", "accept"]
        let brakes: [Operation] = [.retireCredential, .reportLeakToDisable, .updateUserToMember]
        let hashed: [Operation] = [.createSession, .reauthenticate, .changePassword]
        for operation in Operation.allCases {
            let isFree = free.contains { operation.rawValue.hasPrefix($0) } || (hashed + brakes).contains(operation)
            #expect(operation.isPaced == !isFree, "\(operation)")
        }
    }
}
