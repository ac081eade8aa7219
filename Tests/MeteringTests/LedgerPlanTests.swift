import Testing

@testable import Metering

@Suite("How the ledger is looked through")
struct LedgerPlanTests {
    @Test("every statement of a page and of its sums goes by an index from its first row on")
    func plans() async throws {
        let house = try await MeteringHouse()
        let ledger = "SEARCH ledger USING INDEX sqlite_autoindex_ledger_1 (account_id=? AND id>? AND id<?)"
        let filed = "SEARCH charge_index USING PRIMARY KEY (account=? AND id>? AND id<?)"
        let days =
            "SEARCH usage_days USING COVERING INDEX sqlite_autoindex_usage_days_1 (account_id=? AND day>? AND day<?)"
        let read = "SEARCH usage_days USING INDEX sqlite_autoindex_usage_days_1 (account_id=? AND day>? AND day<?)"
        let behind = "SEARCH charges USING INTEGER PRIMARY KEY (rowid>?)"
        for (statement, count, first) in [
            (LedgerSearch.folded, 9, filed), (LedgerSearch.behindFold, 9, behind), (LedgerSearch.windowEnd, 4, filed),
            (LedgerSearch.corrections, 7, ledger), (LedgerTotals.folded, 8, filed),
            (LedgerTotals.within, 4, filed),
            (LedgerTotals.behindFold, 8, behind), (LedgerTotals.corrections, 6, ledger),
            (UsageDayTable.lastDay, 6, days), (UsageDayTable.sum, 6, read),
        ] {
            let plan = try await house.plan(of: statement, count)
            #expect(plan.first { $0.hasPrefix("SEARCH") } == first, "\(statement)")
            // The table fold has one row, and "some" are the rows that a bounded part has already found.
            #expect(
                !plan.contains { $0.hasPrefix("SCAN") && !["SCAN fold", "SCAN some"].contains($0) }, "\(statement)")
            // Only what is not folded, and the few kinds, are brought into an order of their own.
            let isSorted = plan.contains { $0.hasPrefix("USE TEMP B-TREE") }
            #expect(isSorted == [LedgerSearch.behindFold, LedgerTotals.corrections].contains(statement), "\(plan)")
        }
    }
}
