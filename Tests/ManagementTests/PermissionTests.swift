import Accounts
import Secrets
import TestSupport
import Testing
import Values

@testable import Management

@Suite("What operations need of their callers")
struct PermissionTests {
    private let house: ManagementHouse
    private var management: Management { house.management }

    init() throws { house = try ManagementHouse() }

    /// What comes of an operation that does nothing: whether it is let through, and if not, why.
    private func asked(_ operation: Operation, _ caller: Caller, in account: Identifier? = nil) async -> Refusal? {
        do {
            try await management.perform(operation, caller, in: account) { _, _ in }
            return nil
        } catch {
            return error
        }
    }

    private func caller(_ actor: Actor) -> Caller { management.caller(actor, at: nil) }

    // MARK: None without a permission

    @Test("no operation is without a permission, but for the four that are open to anybody") func open() {
        let open: Set<Operation> = [.setUp, .acceptInvitation, .createSession, .acceptPasswordReset]
        let without = Operation.allCases.filter { $0.needs.isEmpty && !open.contains($0) }
        #expect(without == [])
        #expect(open.allSatisfy { $0.needs.isEmpty })
    }

    @Test("whoever has not said who they are is told so by every other operation", arguments: Operation.allCases)
    func nobody(operation: Operation) async {
        let refusal = await asked(operation, house.nobody)
        #expect(refusal?.code == .unauthenticated)
        #expect(refusal?.isPresented == false)
        if operation.needs.isEmpty {
            #expect(throws: Never.self) { try management.check(operation, house.nobody) }
        } else {
            #expect(throws: Refusal.self) { try management.check(operation, house.nobody) }
        }
    }

    @Test("what is no credential of ours, or no longer, speaks for nobody") func noCredential() async throws {
        let text = "lkp-nothing"
        for credential in [CallerCredential.session(Secret(text)), .platformToken(text), .platformToken("")] {
            let refusal = await #expect(throws: Refusal.self) {
                try await management.actor(credential, from: nil)
            }
            #expect(refusal?.code == .unauthenticated)
            #expect(refusal?.isPresented == true)
        }
    }

    @Test("an operation with needs can't be done as an open one", arguments: Operation.allCases)
    func notOpen(operation: Operation) async {
        var isDone = false
        do {
            try await management.performOpen(operation) { _ in isDone = true }
        } catch {
            #expect(error.code == .unauthenticated)
        }
        #expect(isDone == operation.needs.isEmpty)
    }

    @Test("a token without any scope may ask who it is for, and for its own account", arguments: Operation.allCases)
    func withoutScope(operation: Operation) async {
        if operation.needs.isEmpty { return }
        let refusal = await asked(operation, caller(.token([])), in: Actor.home)
        let mayAll: [Operation] = [.getCurrentUser, .getAccount]
        #expect((refusal == nil) == mayAll.contains(operation))
    }

    // MARK: The order of needs

    @Test("a reset is first for persons, then for those who have just proved it, then for admins") func order() async {
        let operation = Operation.createPasswordReset
        #expect(await asked(operation, caller(.token(Scope.allCases)))?.code == .sessionRequired)
        #expect(
            await asked(operation, caller(.person(house.hand, .member, isFresh: false)))?.code
                == .reauthenticationRequired)
        #expect(await asked(operation, caller(.person(house.hand, .root)))?.code == .adminOnly)
        #expect(await asked(operation, caller(.person(house.hand, .root, isAdmin: true))) == nil)
    }

    @Test("whose account it is comes before the role, and after freshness") func account() async {
        func code(_ actor: Actor, in account: Identifier) async -> Refusal.Code? {
            await asked(.updateKeyPolicy, caller(actor), in: account)?.code
        }
        let away = Identifier(at: Timestamp(microseconds: 0), random: (9, 9))
        #expect(await code(.person(house.hand, .member, isFresh: false), in: away) == .reauthenticationRequired)
        #expect(await code(.person(house.hand, .member), in: away) == .notFound)
        #expect(await code(.person(house.hand, .root, isAdmin: true), in: away) == .notFound)
        #expect(await code(.person(house.hand, .member), in: Actor.home) == .rootOnly)
        #expect(await code(.person(house.hand, .root), in: Actor.home) == nil)
    }

    @Test("the first missing scope is the one that is named, and the role is said before it") func scopes() async {
        func refusal(_ scopes: [Scope], _ role: Role = .root) async -> Refusal? {
            await asked(.deleteApplicationWithKeys, caller(.token(scopes, role)))
        }
        #expect(await refusal([])?.scope == .applicationsDelete)
        #expect(await refusal([.credentialsDelete])?.scope == .applicationsDelete)
        #expect(await refusal([.applicationsDelete])?.scope == .credentialsDelete)
        #expect(await refusal([.applicationsDelete, .credentialsDelete]) == nil)
        #expect(await refusal([], .member)?.code == .rootOnly)
    }

    @Test("another account's people are absent ones, but for the operators' scope") func people() async {
        let away = Identifier(at: Timestamp(microseconds: 0), random: (9, 9))
        func code(_ scopes: [Scope], isAdmin: Bool = false) async -> Refusal.Code? {
            await asked(.listUsers, caller(.token(scopes, isAdmin: isAdmin)), in: away)?.code
        }
        #expect(await code([.usersRead]) == .notFound)
        #expect(await code([.usersRead], isAdmin: true) == .notFound)
        #expect(await code([.accountsRead], isAdmin: true) == nil)
    }
}
