import TestSupport
import Testing
import Values

@Suite("A table that holds at most so many values")
struct BoundedTableTests {
    @Test("it never holds more than it may, and the one just put in is there") func bounded() {
        var table = BoundedTable<Int, Int>(capacity: 10)
        for number in 0..<1000 {
            table.insert(-number, for: number)
            #expect(table[number] == -number)
            #expect(table.count == min(10, number + 1))
        }
        #expect((0..<1000).filter { table[$0] != nil }.count == 10)
    }

    @Test("what it gives up is any of them, not always the newest or the oldest") func random() {
        var kept: Set<Int> = []
        for _ in 0..<200 {
            var table = BoundedTable<Int, Int>(capacity: 4)
            for number in 0..<5 { table.insert(number, for: number) }
            kept.formUnion((0..<5).filter { table[$0] == nil })
        }
        #expect(kept == [0, 1, 2, 3])
    }

    @Test("against a plain dictionary: whatever is put in, replaced and taken out") func model() {
        var table = BoundedTable<Int, Int>(capacity: 64)
        var plain: [Int: Int] = [:]
        var numbers = SplitMix64(seed: 11)
        for step in 0..<20_000 {
            let key = Int(numbers.next() % 60)
            switch numbers.next() % 8 {
            case 0, 1, 2, 3:
                table.insert(step, for: key)
                plain[key] = step
            case 4, 5, 6:
                table.remove(key)
                plain[key] = nil
            default:
                table.removeAll { key, value in key % 7 == 0 && value % 2 == 0 }
                plain = plain.filter { !($0.key % 7 == 0 && $0.value % 2 == 0) }
            }
            #expect(table.count == plain.count)
            #expect(table[key] == plain[key])
        }
        for key in 0..<60 { #expect(table[key] == plain[key]) }
    }

    @Test("a table for nothing holds one") func none() {
        var table = BoundedTable<Int, Int>(capacity: 0)
        table.insert(1, for: 1)
        table.insert(2, for: 2)
        #expect(table.count == 1)
        #expect(table[2] == 2)
    }
}
