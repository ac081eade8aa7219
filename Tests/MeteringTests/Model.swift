import Credentials
import Foundation
import Metering
import Policy
import Values

/// What credits are to do, written from the design and not from the code: plain dictionaries, and sums in 128 bits that
/// no test can make too large. Accounts, keys and calls are numbered in the order in which they appear.
struct Model {
    struct Account {
        var granted: Int128 = 0
        var use = Books.Use()
        var isSuspended = false

        var available: Int128 { granted - use.posted - use.held }
    }

    struct Key {
        let account: Int
        var limit: Int128?
        var monthly: Int128?
        var isDeleted = false
        var use = Books.Use()
    }

    struct Call {
        let key: Int
        let cost: Int128
        /// Which of the models is called.
        let model: Int
        /// When it was admitted, in microseconds.
        let time: Int64
        var mark: Books.Mark?
        var body = 0
        var end: End?
        /// What it was charged, when it was.
        var amount: Int128 = 0
    }

    enum End: Sendable {
        case charge, release
    }

    /// What comes of asking for a hold.
    enum Answer: Equatable {
        case held(remaining: Int128)
        case denied(Denial)
        case inFlight
        case otherBody
        case notReplayable(call: Int)
        case answered([UInt8])
    }

    static let day: Int64 = 86_400_000_000

    var accounts: [Account] = []
    var keys: [Key] = []
    /// Those that were held.
    private(set) var calls: [Call] = []
    private var months: [Books.KeyMonth: Books.Use] = [:]
    private var days: [Books.Line: Books.Charged] = [:]
    private var remembered: [Books.Mark: Books.Memory] = [:]
    /// The bodies of those under way.
    private var claims: [Books.Mark: Int] = [:]
    /// In the order in which they were made.
    private var marks: [Books.Mark] = []

    func openCalls() -> [Int] { calls.indices.filter { calls[$0].end == nil } }
    func endedCalls() -> [Int] { calls.indices.filter { calls[$0].end != nil } }

    // MARK: The path of a call

    mutating func hold(_ call: Call) -> Answer {
        let key = keys[call.key]
        if key.isDeleted { return .denied(.invalidKey) }
        if accounts[key.account].isSuspended { return .denied(.accountSuspended) }
        if let mark = call.mark {
            if let body = claims[mark] { return body == call.body ? .inFlight : .otherBody }
            if let memory = remembered[mark], abs(call.time - memory.time) < Self.day {
                if memory.body != call.body { return .otherBody }
                guard let answer = memory.answer else { return .notReplayable(call: memory.call) }
                return .answered(answer)
            }
        }
        let month = Books.KeyMonth(key: call.key, time: call.time)
        if !key.use.hasRoom(for: call.cost, under: key.limit) { return .denied(.creditLimitReached) }
        if !(months[month] ?? Books.Use()).hasRoom(for: call.cost, under: key.monthly) {
            return .denied(.monthlyLimitReached)
        }
        if call.cost > accounts[key.account].available { return .denied(.insufficientCredits) }
        change(call) { $0.held += call.cost }
        calls.append(call)
        if let mark = call.mark { claims[mark] = call.body }
        return .held(remaining: remaining(of: call))
    }

    /// - Parameter now: the time of the commit, in microseconds.
    /// - Returns: whether it was open.
    mutating func charge(_ index: Int, _ amount: Int128, answer: [UInt8]?, now: Int64) -> Bool {
        guard calls[index].end == nil else { return false }
        calls[index].end = .charge
        calls[index].amount = amount
        let call = calls[index]
        change(call) { use in
            use.held -= call.cost
            use.posted += amount
        }
        let line = Books.Line(
            account: keys[call.key].account, day: Self.day(of: call.time), key: call.key, model: call.model)
        days[line, default: Books.Charged()].calls += 1
        days[line, default: Books.Charged()].amount += amount
        if let mark = call.mark {
            claims[mark] = nil
            forget(mark)
            remembered[mark] = Books.Memory(call: index, body: call.body, time: call.time, answer: answer)
            marks.append(mark)
            forgetOld(now)
        }
        return true
    }

    /// Whether it was open.
    mutating func release(_ index: Int) -> Bool {
        guard calls[index].end == nil else { return false }
        calls[index].end = .release
        let call = calls[index]
        change(call) { $0.held -= call.cost }
        if let mark = call.mark { claims[mark] = nil }
        return true
    }

    /// Everything that is held is forgotten.
    mutating func crash() { for index in openCalls() { _ = release(index) } }

    /// A grant or an adjustment: why it is refused.
    mutating func change(_ account: Int, by amount: Int128) -> MeteringError? {
        let sum = accounts[account].granted + amount
        if sum > Int128(Int64.max) || sum < Int128(Int64.min) { return .balanceTooLarge }
        if accounts[account].available + amount < 0 {
            return .balanceTooSmall(available: Credits(micro: Int64(accounts[account].available)))
        }
        accounts[account].granted = sum
        return nil
    }

    // MARK: Parts

    private mutating func change(_ call: Call, _ change: (inout Books.Use) -> Void) {
        change(&accounts[keys[call.key].account].use)
        change(&keys[call.key].use)
        change(&months[Books.KeyMonth(key: call.key, time: call.time), default: Books.Use()])
    }

    /// The least that any bound leaves.
    private func remaining(of call: Call) -> Int128 {
        let key = keys[call.key]
        let month = months[Books.KeyMonth(key: call.key, time: call.time)] ?? Books.Use()
        return [
            accounts[key.account].available, key.limit.map { $0 - key.use.posted - key.use.held },
            key.monthly.map { $0 - month.posted - month.held },
        ].compactMap { $0 }.min() ?? 0
    }

    private mutating func forget(_ mark: Books.Mark) {
        remembered[mark] = nil
        marks.removeAll { $0 == mark }
    }

    /// Each new mark takes up to 16 of the oldest with it, and as many of a clock that was more than a day ahead.
    private mutating func forgetOld(_ now: Int64) {
        func sorted(where isOver: (Int64) -> Bool) -> [Books.Mark] {
            marks.enumerated().compactMap { offset, mark in
                remembered[mark].flatMap { isOver($0.time) ? (time: $0.time, offset, mark) : nil }
            }.sorted { ($0.time, $0.1) < ($1.time, $1.1) }.map(\.2)
        }
        let old = sorted { now - $0 >= Self.day }
        let ahead = sorted { $0 - now >= Self.day }
        for mark in old.prefix(16) + ahead.suffix(16) { forget(mark) }
    }

    static func day(of time: Int64) -> Int64 { time / day }

    // MARK: What is kept

    var books: Books {
        var books = Books()
        for (number, account) in accounts.enumerated() {
            books.balances[number] = Books.Balance(granted: account.granted, use: account.use)
        }
        for (number, key) in keys.enumerated() { books.keys[number] = key.use }
        books.months = months
        books.days = days
        books.remembered = remembered
        for (number, call) in calls.enumerated() where call.end == .charge { books.charges[number] = call.amount }
        return books.withoutZeros
    }
}

/// Everything that is kept about credits, by the numbers that the model gives.
struct Books: Sendable {
    struct Use: Equatable, Sendable {
        var posted: Int128 = 0
        var held: Int128 = 0

        func hasRoom(for cost: Int128, under limit: Int128?) -> Bool {
            limit.map { posted + held + cost <= $0 } ?? true
        }
    }

    struct Balance: Equatable, Sendable {
        var granted: Int128
        var use: Use
    }

    struct KeyMonth: Hashable, Sendable {
        let key: Int
        /// Months since January 1970.
        let month: Int64

        init(key: Int, month: Int64) {
            self.key = key
            self.month = month
        }

        init(key: Int, time: Int64) {
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = .gmt
            // The division rounds down: the tests are after 1970.
            let date = Date(timeIntervalSince1970: Double(time / 1_000_000))
            let parts = calendar.dateComponents([.year, .month], from: date)
            self.init(key: key, month: Int64(((parts.year ?? 0) - 1970) * 12 + (parts.month ?? 0) - 1))
        }
    }

    struct Line: Hashable, Sendable {
        let account: Int
        let day: Int64
        let key: Int
        let model: Int
    }

    struct Charged: Equatable, Sendable {
        var calls: Int128 = 0
        var amount: Int128 = 0
    }

    /// An idempotency key.
    struct Mark: Hashable, Sendable {
        let key: Int
        let text: Int
    }

    /// A call that is remembered by its idempotency key.
    struct Memory: Equatable, Sendable {
        let call: Int
        let body: Int
        let time: Int64
        var answer: [UInt8]?

        /// What an answer is can't be read from the database, only that there is one.
        static func == (left: Memory, right: Memory) -> Bool {
            left.call == right.call && left.body == right.body && left.time == right.time
                && (left.answer == nil) == (right.answer == nil)
        }
    }

    var balances: [Int: Balance] = [:]
    var keys: [Int: Use] = [:]
    var months: [KeyMonth: Use] = [:]
    var days: [Line: Charged] = [:]
    /// What each call was charged that was.
    var charges: [Int: Int128] = [:]
    var remembered: [Mark: Memory] = [:]

    /// What is on disk, where nothing is held.
    var withoutHeld: Books {
        var books = self
        books.balances = balances.mapValues { Balance(granted: $0.granted, use: Use(posted: $0.use.posted)) }
        books.keys = keys.mapValues { Use(posted: $0.posted) }
        books.months = months.mapValues { Use(posted: $0.posted) }
        return books.withoutZeros
    }

    /// A row of zeros and no row are the same.
    var withoutZeros: Books {
        var books = self
        books.balances = balances.filter { $0.value != Balance(granted: 0, use: Use()) }
        books.keys = keys.filter { $0.value != Use() }
        books.months = months.filter { $0.value != Use() }
        return books
    }

    /// The first thing in which the database is not as the model.
    func difference(from database: Books) -> String? {
        Self.difference("balance of account", balances, database.balances)
            ?? Self.difference("total of key", keys, database.keys)
            ?? Self.difference("month of key", months, database.months)
            ?? Self.difference("usage of", days, database.days)
            ?? Self.difference("charge of call", charges, database.charges)
            ?? Self.difference("memory of", remembered, database.remembered)
    }

    private static func difference<Name: Hashable, Value: Equatable>(
        _ what: String, _ model: [Name: Value], _ database: [Name: Value]
    ) -> String? {
        guard let name = Set(model.keys).union(database.keys).first(where: { model[$0] != database[$0] }) else {
            return nil
        }
        let texts = [model[name], database[name]].map { value in value.map { "\($0)" } ?? "nothing" }
        return "\(what) \(name): the model has \(texts[0]), the database \(texts[1])"
    }
}
