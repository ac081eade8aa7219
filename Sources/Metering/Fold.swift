import Database
import Values

/// One step of the fold: sums charges of the log into the totals, files them by account, and moves the watermark, all in
/// one transaction.
///
/// Because the sums and the watermark are one commit, a charge is in the totals or behind the watermark and never both,
/// whenever the process ends. The schema holds every sum against its bound (`posted <= granted`). The purses have let
/// nothing past it, so a bound that breaks here means that the record and the purses differ.
struct Fold {
    /// Whose charges were folded.
    struct Key: Hashable {
        let account: Identifier
        let credential: Identifier
    }

    private struct KeyMonth: Hashable {
        let credential: Identifier
        let month: Month
    }

    private struct Sum {
        var calls: Int64 = 0
        var amount = Credits.zero

        mutating func add(_ more: Credits) throws {
            calls += 1
            amount = try amount.plus(more)
        }
    }

    /// How many charges it took of each key.
    private(set) var counts: [Key: Int] = [:]
    private(set) var count = 0

    private var accounts: [Identifier: Sum] = [:]
    private var keys: [Identifier: Sum] = [:]
    private var months: [KeyMonth: Sum] = [:]
    private var days: [UsageDayTable.Line: Sum] = [:]
    private var filed: [(account: Identifier, id: Int64, position: Int64)] = []
    private var mark: FoldTable.Mark

    /// Folds the oldest charges that are not.
    /// - Parameter limit: how many at most, so that charges that wait for the writer don't wait long.
    init(atMost limit: Int, _ connection: Connection) throws {
        mark = try FoldTable.mark(connection)
        try read(limit, connection)
        if count > 0 { try write(connection) }
    }

    private mutating func read(_ limit: Int, _ connection: Connection) throws {
        var rows: [ChargeTable.Charge] = []
        try ChargeTable.each(after: mark.position, atMost: limit, connection) { rows.append($0) }
        var subjects: [Int64: CallSubject] = [:]
        for row in rows {
            let subject = try subjects[row.subject] ?? SubjectTable.subject(row.subject, connection)
            subjects[row.subject] = subject
            let day = Day(of: row.time)
            try accounts[subject.account, default: Sum()].add(row.amount)
            try keys[subject.credential, default: Sum()].add(row.amount)
            try months[KeyMonth(credential: subject.credential, month: day.month), default: Sum()].add(row.amount)
            try days[UsageDayTable.Line(day: day, subject: subject), default: Sum()].add(row.amount)
            counts[Key(account: subject.account, credential: subject.credential), default: 0] += 1
            filed.append((subject.account, row.number, row.position))
            mark.position = row.position
            mark.number = max(mark.number, row.number)
            mark.ahead = max(mark.ahead, -EntryIDs.offset(of: row.number, at: row.time))
        }
        count = rows.count
    }

    private func write(_ connection: Connection) throws {
        var numbers: [Identifier: Int64] = [:]
        for (account, sum) in accounts {
            numbers[account] = try BalanceTable.post(sum.amount, to: account, connection)
        }
        let entries = filed.map { (account: numbers[$0.account] ?? 0, id: $0.id, position: $0.position) }
        try ChargeIndexTable.insert(entries.sorted { ($0.account, $0.id) < ($1.account, $1.id) }, connection)
        for (key, sum) in keys { try KeyUsageTable.post(sum.amount, to: key, connection) }
        for (key, sum) in months { try KeyMonthTable.post(sum.amount, to: key.credential, key.month, connection) }
        for (line, sum) in days { try UsageDayTable.add(sum.calls, sum.amount, to: line, connection) }
        try FoldTable.store(mark, connection)
    }
}
