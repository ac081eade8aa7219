import Management
import TestSupport
import Values

/// One row of the matrix: an operation with what is asked of it, made by each of the callers.
///
/// Chosen so that only the right to ask is decided. What is asked is refused afterwards, or does no harm, or ends what
/// was made for just that.
struct MatrixAsk: Sendable {
    /// Who asks, about what.
    struct Cell: Sendable {
        let management: Management
        let caller: Caller
        let objects: MatrixObjects
    }

    private enum Act: Sendable {
        case lasting(@Sendable (Cell) async throws -> Void)
        case ending(Throwaway, @Sendable (Cell, Identifier) async throws -> Void)
    }

    /// As in the fixture.
    let name: String
    /// More than one where it hangs on who asks.
    let operations: [Operation]
    private let act: Act
    /// Whether it ends the session that it is asked with.
    private(set) var endsOwnSession = false

    init<T>(_ name: String, _ operations: Operation..., act: @escaping @Sendable (Cell) async throws -> T) {
        (self.name, self.operations) = (name, operations)
        self.act = .lasting { _ = try await act($0) }
    }

    init<T>(
        _ name: String, _ operation: Operation, ending kind: Throwaway,
        act: @escaping @Sendable (Cell, Identifier) async throws -> T
    ) {
        (self.name, operations) = (name, [operation])
        self.act = .ending(kind) { _ = try await act($0, $1) }
    }

    func endingOwnSession() -> MatrixAsk {
        var copy = self
        copy.endsOwnSession = true
        return copy
    }

    /// What a caller is answered, in the fixture's words: `allowed` stands for all that comes after the decision.
    func outcome(for asker: MatrixAsker, in world: MatrixWorld) async throws -> String {
        let caller = endsOwnSession ? asker.spare ?? asker.caller : asker.caller
        let cell = Cell(management: world.house.management, caller: caller, objects: world.objects)
        do {
            switch act {
            case .lasting(let act): try await act(cell)
            case .ending(let kind, let act):
                try await act(cell, world.throwaway(kind))
                await world.isEnded(kind)
            }
        } catch let refusal as Refusal {
            return refusal.code.isOfItsContent ? "allowed" : refusal.code.rawValue
        }
        return "allowed"
    }
}

extension Refusal.Code {
    /// Whether it is told only to those who may: what is wrong with what they ask, or stands in its way. That an
    /// account has people who decide for themselves is said to admins, who may not.
    fileprivate var isOfItsContent: Bool {
        switch self {
        case .unauthenticated, .sessionRequired, .reauthenticationRequired, .rootOnly, .adminOnly, .insufficientScope,
            .notFound, .accountHasUsers:
            false
        case .tooManyChanges, .tooManyTests, .callerLeft, .overloaded, .storageFailed, .internalError: false
        default: true
        }
    }
}
