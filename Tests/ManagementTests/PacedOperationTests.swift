import Accounts
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

    @Test("reads and deletions are never paced; what makes or changes something is, but for the hash of a password")
    func words() {
        let free = ["get", "list", "delete", "end", "close", "explain", "verify", "preview", "set", "accept"]
        let hashed: [Operation] = [.createSession, .reauthenticate, .changePassword]
        for operation in Operation.allCases {
            let isFree = free.contains { operation.rawValue.hasPrefix($0) } || hashed.contains(operation)
            #expect(operation.isPaced == !isFree, "\(operation)")
        }
    }
}
