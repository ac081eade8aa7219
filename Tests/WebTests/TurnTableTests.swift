import Testing

@testable import Web

@Suite("Turns of owners, as a value")
struct TurnTableTests {
    private typealias Table = TurnTable<String, Int>

    /// Asks for these one after the other.
    /// - Returns: those that have a turn at once, and the places of the others.
    private func ask(_ table: inout Table, _ owner: String, _ numbers: ClosedRange<Int>) -> ([Int], [Table.Ticket]) {
        var begun: [Int] = []
        var tickets: [Table.Ticket] = []
        for number in numbers {
            if let ticket = table.ask(owner, number) { tickets.append(ticket) } else { begun.append(number) }
        }
        return (begun, tickets)
    }

    /// Ends so many turns.
    /// - Returns: whose turn it was then.
    private func end(_ table: inout Table, _ owner: String, _ times: Int) -> [Int?] {
        (0..<times).map { _ in table.end(owner) }
    }

    @Test("so many have a turn at once, and the others wait", arguments: [(1, 1), (3, 3), (0, 1), (9, 5)])
    func bound(most: Int, begun: Int) {
        var table = Table(most: most)
        let (now, later) = ask(&table, "a", 1...5)
        #expect(now == Array(1...begun))
        #expect(later.count == 5 - begun)
    }

    @Test("whoever came first is next") func order() {
        var table = Table(most: 2)
        _ = ask(&table, "a", 1...6)
        let next = end(&table, "a", 6)
        #expect(next == [3, 4, 5, 6, nil, nil])
    }

    @Test("nobody waits for another owner") func apart() {
        var table = Table(most: 1)
        _ = ask(&table, "flood", 1...1000)
        let (begun, _) = ask(&table, "b", 1...2)
        #expect(begun == [1])
        let next = end(&table, "b", 1) + end(&table, "flood", 1)
        #expect(next == [2, 2])
    }

    @Test(
        "who leaves is passed over, wherever they stood",
        arguments: [[0], [1], [3], [0, 1], [1, 2], [0, 1, 2, 3], []])
    func leaving(_ leaving: [Int]) {
        var table = Table(most: 1)
        let (_, tickets) = ask(&table, "a", 1...5)
        let haveLeft = leaving.map { table.leave(tickets[$0]) }
        #expect(haveLeft.allSatisfy { $0 })
        let left = (2...5).filter { !leaving.contains($0 - 2) }
        let next = end(&table, "a", left.count + 1)
        #expect(next == left + [nil])
        #expect(table.owners == 0)
    }

    @Test("who has a turn has left the line, and leaves it once") func leavingLate() {
        var table = Table(most: 1)
        let (_, tickets) = ask(&table, "a", 1...3)
        let second = table.end("a")
        #expect(second == 2)
        let haveLeft = [tickets[0], tickets[1], tickets[1]].map { table.leave($0) }
        #expect(haveLeft == [false, true, false])
        // The turn of the second is still to be ended.
        let (begun, _) = ask(&table, "a", 9...9)
        #expect(begun == [])
        let last = table.end("a")
        #expect(last == 9)
    }

    @Test("a place of earlier is none of a later one") func oldPlace() {
        var table = Table(most: 1)
        let (_, tickets) = ask(&table, "a", 1...2)
        _ = end(&table, "a", 2)
        #expect(table.owners == 0)
        let (_, later) = ask(&table, "a", 3...4)
        let haveLeft = [tickets[0], later[0]].map { table.leave($0) }
        #expect(haveLeft == [false, true])
    }

    @Test("nothing is remembered of who has nothing under way") func forgetting() {
        var table = Table(most: 2)
        for owner in 0..<1000 {
            let (begun, _) = ask(&table, "\(owner)", 1...3)
            _ = end(&table, "\(owner)", begun.count + 1)
        }
        _ = table.end("nobody")
        #expect(table.owners == 0)
    }
}
