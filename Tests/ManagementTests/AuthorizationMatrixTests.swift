import Management
import TestSupport
import Testing

/// Who may what: every operation asked for by every kind of caller, on real objects and without HTTP.
///
/// The fixture is the matrix as it was reviewed. The running server is asked again, and there also what HTTP alone
/// tells apart: keys of apps, and requests without a CSRF token.
@Suite("The matrix of operations and callers")
struct AuthorizationMatrixTests {
    @Test("every row has a closure, every closure a row, and every operation one of them") func complete() throws {
        let names = MatrixAsk.table.map(\.name)
        let rows = try ReviewedRow.all().map(\.operation)
        #expect(Set(names).count == names.count && Set(rows).count == rows.count)
        #expect(Set(rows).subtracting(names) == [])
        #expect(Set(names).subtracting(rows) == [])
        #expect(Set(Operation.allCases) == Set(MatrixAsk.table.flatMap(\.operations)))
    }

    @Test("a row's name begins with that of its operation") func names() {
        for ask in MatrixAsk.table {
            let name = ask.name.prefix { $0 != " " }
            #expect(ask.operations.allSatisfy { $0.rawValue.hasPrefix(name) }, "\(ask.name)")
        }
    }

    @Test("every cell is as it was reviewed") func cells() async throws {
        let world = try await MatrixWorld()
        let table = Dictionary(uniqueKeysWithValues: MatrixAsk.table.map { ($0.name, $0) })
        let columns = Set(world.askers.map(\.column))
        var cells = 0
        for row in try ReviewedRow.all() {
            #expect(row.columns == columns, "\(row.operation)")
            let ask = try #require(table[row.operation])
            for asker in world.askers {
                let found = try await ask.outcome(for: asker, in: world)
                #expect(found == row.outcome(for: asker), "\(row.operation) by \(asker.name)")
                expectForetold(found, ask, asker, world)
                cells += 1
            }
        }
        #expect(cells == table.count * world.askers.count && cells > 3000)
        #expect(try await world.isWhole())
    }

    /// What is refused before it is begun is refused just so when it is begun, and by the operation of this row.
    private func expectForetold(_ found: String, _ ask: MatrixAsk, _ asker: MatrixAsker, _ world: MatrixWorld) {
        guard ask.operations.count == 1, let operation = ask.operations.first else { return }
        do {
            try world.house.management.check(operation, asker.caller, in: world.objects.account)
        } catch {
            #expect(found == error.code.rawValue, "\(ask.name) by \(asker.name), as it was foretold")
        }
    }
}
