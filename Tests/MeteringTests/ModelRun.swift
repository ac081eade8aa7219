import Accounts
import Applications
import Catalog
import Credentials
import Database
import Policy
import Secrets
import TestSupport
import Values

import struct Applications.Application

@testable import Metering

/// One sequence of random steps, made against the product and against the model of it.
struct ModelRun {
    /// The two have parted. Says all that is needed to see it again.
    struct Divergence: Error, CustomStringConvertible {
        let seed: UInt64
        let steps: [String]
        let sentence: String

        var description: String {
            let last = steps.enumerated().suffix(12).map { "  \($0.offset + 1). \($0.element)" }
            return "seed \(seed), step \(steps.count): \(sentence)\n" + last.joined(separator: "\n")
                + "\nReplay with LATCHKEY_SEED=\(seed)."
        }
    }

    /// How large the amounts of a run are: a few micro-credits, so that sums meet their bounds exactly; credits as in
    /// life; or the largest that there can be.
    private struct Scale {
        let costs: [Int64]
        let grants: ClosedRange<Int64>
        let limits: ClosedRange<Int64>
    }

    private static let scales = [
        Scale(costs: [0, 1, 2, 3, 5, 7], grants: 1...60, limits: 0...40),
        Scale(
            costs: [20_000_000, 20_000_000, 500_000, 33_333_334, 1, 0], grants: 1...400_000_000,
            limits: 0...200_000_000),
        Scale(
            costs: [1_000_000_000_000_000_000, 999_999_999_999_999_999, 4_000_000_000_000_000_000, 1, 0],
            grants: 1...(.max), limits: 0...(.max)),
    ]

    private static let models: [(name: String, price: Identifier)] = [
        ("echo", MeteringHouse.priceID), ("parrot", Identifier("019aa5d0-0000-7000-8000-0000000000aa")!),
    ]

    private let seed: UInt64
    private var dice: SplitMix64
    private let scale: Scale
    private let house: MeteringHouse
    private var metering: Metering
    private let tenants: [(user: User, app: Application)]
    private var model = Model()
    private var keys: [Credential] = []
    /// By the numbers of the model's calls.
    private var holds: [Hold] = []
    private var firstSinceCrash = 0
    private var steps: [String] = []

    init(seed: UInt64) async throws {
        self.seed = seed
        dice = SplitMix64(seed: seed)
        scale = dice.pick(Self.scales)
        house = try await MeteringHouse()
        tenants = [(house.ada, house.app), try await house.bob()]
        metering = house.metering
        model.accounts = [Model.Account(), Model.Account()]
        // Close to where a month ends.
        house.hand.set(try moment("2026-06-30T18:00:00Z"))
        for tenant in [0, 0, 1] { try await issue(for: tenant) }
        for tenant in [0, 1] { try await change(tenant, .grant, by: scale.grants.upperBound / 4) }
        try await house.guardLedger()
    }

    private var now: Int64 { house.hand.now.microseconds }

    private func differs(_ sentence: String) -> Divergence { Divergence(seed: seed, steps: steps, sentence: sentence) }

    private func expect<T: Equatable>(_ what: String, _ expected: T, _ found: T) throws {
        if expected != found { throw differs("\(what): the model says \(expected), the product \(found)") }
    }

    // MARK: Steps

    /// Makes so many steps, with a look at everything after each of them.
    mutating func play(_ count: Int) async throws {
        do {
            for number in 1...count {
                try await step()
                try await check()
                // The readers and the proof cost more.
                if number.isMultiple(of: 10) { try await audit() }
            }
        } catch let error where !(error is Divergence) {
            throw differs("nothing was to fail here, but \(error) did")
        }
    }

    private mutating func step() async throws {
        switch dice.below(100) {
        case ..<36: try await hold()
        case ..<54: try await charge()
        case ..<60: try await release()
        case ..<63: try await endAgain()
        case ..<71: try await editLimits()
        case ..<76: try await change(dice.below(2), .grant, by: dice.amount(scale.grants))
        case ..<82: try await adjust()
        case ..<90: try moveClock()
        case ..<93: try await suspend()
        case ..<95: try await deleteKey()
        case ..<96: try await newKey()
        case ..<97: try await fold()
        case ..<99: try await crash()
        default: try await fail()
        }
    }

    /// The proof of the ledger, and what the readers say.
    private func audit() async throws {
        if let difference = try await house.difference() { throw differs("ledger check: \(difference)") }
        for (number, tenant) in tenants.enumerated() {
            let account = model.accounts[number]
            let whole = Day(number: 0)...Day(number: 100_000)
            let report = try await metering.report(
                UsageRequest(account: tenant.user.account, days: whole, by: [.credential]))
            let charged = report.reduce(into: Books.Charged()) { sum, line in
                sum.calls += Int128(line.calls)
                sum.amount += Int128(line.amount.micro)
            }
            try expect("reported amount", account.use.posted, charged.amount)
            let calls = model.calls.filter { $0.end == .charge && model.keys[$0.key].account == number }
            try expect("reported calls", Int128(calls.count), charged.calls)
        }
        try await checkEntries()
        let strays = try await house.database.read { connection in
            try connection.rows(
                """
                SELECT coalesce(kept.bytes, 0) AS kept, coalesce(calls.bytes, 0) AS bytes
                FROM (SELECT credential_id, sum(answer_bytes) AS bytes FROM idempotent_calls GROUP BY 1) AS calls
                  FULL JOIN kept_answers AS kept ON kept.credential_id = calls.credential_id
                """
            ).map { (try $0.integer("kept"), try $0.integer("bytes")) }
        }
        for (kept, bytes) in strays { try expect("bytes of kept answers", bytes, kept) }
    }

    private mutating func hold() async throws {
        let (call, ask) = randomCall(isMarked: dice.chance(35))
        steps.append("hold \(call)")
        let expected = model.hold(call)
        let (found, hold) = try await outcome(of: ask)
        try expect("hold", expected, found)
        if let hold { holds.append(hold) }
    }

    private mutating func charge() async throws {
        let open = model.openCalls()
        guard !open.isEmpty else { return try await hold() }
        let index = dice.pick(open)
        let answer: [UInt8]? = dice.chance(70) ? [UInt8(index % 256), UInt8(dice.below(256))] : nil
        let cost = holds[index].cost
        let amount = dice.chance(70) ? cost : Credits(micro: dice.amount(0...cost.micro))
        steps.append("charge \(amount.micro) for \(index), answer \(answer ?? [])")
        _ = model.charge(index, Int128(amount.micro), answer: answer, now: now)
        try await metering.charge(holds[index], amount, answer: answer.map { StoredAnswer(bytes: $0) })
    }

    private mutating func release() async throws {
        let open = model.openCalls()
        guard !open.isEmpty else { return try await hold() }
        let index = dice.pick(open)
        steps.append("release \(index)")
        _ = model.release(index)
        metering.release(holds[index], as: "upstream_failed")
    }

    /// A charge after a release, a release after a charge, and the same twice over.
    private mutating func endAgain() async throws {
        let ended = model.endedCalls()
        guard !ended.isEmpty else { return try await charge() }
        let index = dice.pick(ended)
        // Those of before a crash belong to nobody's purse.
        guard index >= firstSinceCrash else { return try await charge() }
        if dice.chance(50) {
            steps.append("release \(index) again")
            metering.release(holds[index], as: "upstream_failed")
            return
        }
        steps.append("charge \(index) again")
        do {
            try await metering.charge(holds[index], answer: StoredAnswer(bytes: [1]))
            throw differs("a hold that has ended was charged")
        } catch MeteringError.holdNotOpen {}
    }

    private mutating func fold() async throws {
        steps.append("fold")
        try await metering.fold()
    }

    private mutating func editLimits() async throws {
        let index = dice.below(keys.count)
        var edit = CredentialEdit()
        if dice.chance(60) { edit.creditLimit = .some(randomLimit()) }
        if dice.chance(60) { edit.monthlyLimit = .some(randomLimit()) }
        steps.append("key \(index): limit \(edit.creditLimit as Any), monthly \(edit.monthlyLimit as Any)")
        do {
            _ = try await house.credentials.edit(keys[index].id, of: keys[index].account, edit, by: .test)
            try expect("a deleted key was edited", false, model.keys[index].isDeleted)
        } catch CredentialsError.notFound {
            try expect("a live key was not found", true, model.keys[index].isDeleted)
            return
        }
        if let limit = edit.creditLimit { model.keys[index].limit = limit.map { Int128($0.micro) } }
        if let limit = edit.monthlyLimit { model.keys[index].monthly = limit.map { Int128($0.micro) } }
    }

    private mutating func randomLimit() -> Credits? {
        dice.chance(25) ? nil : Credits(micro: dice.amount(scale.limits))
    }

    /// Up, down, and to beyond what there is.
    private mutating func adjust() async throws {
        let tenant = dice.below(2)
        let available = Int64(model.accounts[tenant].available)
        let amount: Int64
        switch dice.below(5) {
        case 0: amount = dice.amount(scale.grants)
        case 1: amount = -dice.amount(scale.grants)
        case 2: amount = -available
        case 3: amount = -available - (available < .max ? 1 : 0)
        default: amount = dice.pick([.min, .max, -.max])
        }
        try await change(tenant, .adjustment, by: amount)
    }

    private mutating func change(_ tenant: Int, _ kind: LedgerEntry.Kind, by amount: Int64) async throws {
        steps.append("\(kind) \(amount) to \(tenant)")
        let expected = model.change(tenant, by: Int128(amount))
        let account = tenants[tenant].user.account
        var found: MeteringError?
        do {
            let entry =
                kind == .grant
                ? try await metering.grant(Credits(micro: amount), to: account, reason: .empty, by: .test)
                : try await metering.adjust(account, by: Credits(micro: amount), reason: good("a test"), by: .test)
            try expect("amount of the entry", amount, entry.amount.micro)
        } catch let error as MeteringError {
            found = error
        }
        try expect("\(kind)", expected, found)
    }

    /// Forwards, over the ends of days and months, and back.
    private mutating func moveClock() throws {
        let monthEnds = try ["2026-07-01", "2026-08-01", "2026-09-01"].map {
            try moment($0 + "T00:00:00Z").microseconds
        }
        let next = monthEnds.first { $0 > now } ?? now
        let last = monthEnds.last { $0 <= now } ?? now
        let target: Int64
        switch dice.below(10) {
        case 0: target = now + 1
        case 1, 2: target = now + dice.amount(1...7_200_000_000)
        case 3: target = next - 1
        case 4: target = next
        case 5: target = next + dice.amount(0...1_000_000)
        case 6: target = now + Model.day - Int64(dice.below(2))
        case 7: target = last - 1
        case 8: target = now - dice.amount(1...600_000_000)
        default: target = now - dice.amount(1...Model.day)
        }
        house.hand.set(Timestamp(microseconds: target))
        steps.append("the clock goes to \(house.hand.now.rfc3339)")
    }

    private mutating func suspend() async throws {
        let tenant = dice.below(2)
        let isSuspended = !model.accounts[tenant].isSuspended
        steps.append("\(isSuspended ? "suspend" : "resume") \(tenant)")
        model.accounts[tenant].isSuspended = isSuspended
        try await house.suspend(tenants[tenant].user.account, isSuspended)
    }

    private mutating func deleteKey() async throws {
        let live = model.keys.indices.filter { !model.keys[$0].isDeleted }
        guard live.count > 1 else { return try await newKey() }
        let index = dice.pick(live)
        steps.append("delete key \(index)")
        model.keys[index].isDeleted = true
        try await house.credentials.delete(keys[index].id, of: keys[index].account, by: .test)
    }

    private mutating func newKey() async throws {
        // As many as can be made whatever the day.
        guard keys.count < 10 else { return try await hold() }
        try await issue(for: dice.below(2))
    }

    private mutating func issue(for tenant: Int) async throws {
        let terms = KeyTerms(creditLimit: randomLimit(), monthlyLimit: randomLimit())
        steps.append("new key of \(tenant): \(terms)")
        keys.append(try await house.key(of: tenants[tenant].user, tenants[tenant].app, terms))
        model.keys.append(
            Model.Key(
                account: tenant, limit: terms.creditLimit.map { Int128($0.micro) },
                monthly: terms.monthlyLimit.map { Int128($0.micro) }))
    }

    /// Everything in memory is lost.
    private mutating func crash() async throws {
        steps.append("crash")
        metering = house.restarted()
        model.crash()
        firstSinceCrash = holds.count
    }

    /// What can't be written is refused, and nothing of it is there.
    private mutating func fail() async throws {
        try await house.breakLedger()
        switch dice.below(3) {
        case 0:
            steps.append("fold, while nothing can be written")
            for table in ["balances", "fold"] {
                try await house.tamper(
                    """
                    CREATE TRIGGER fault_\(table) BEFORE UPDATE ON \(table)
                    BEGIN SELECT abs(-9223372036854775807 - 1); END
                    """)
            }
            do { try await metering.fold() } catch is DatabaseFailure {}
            for table in ["balances", "fold"] { try await house.tamper("DROP TRIGGER fault_\(table)") }
        case 1:
            let tenant = dice.below(2)
            steps.append("grant 1 to \(tenant), while nothing can be written")
            var after = model
            let expected = after.change(tenant, by: 1)
            do {
                _ = try await metering.grant(
                    Credits(micro: 1), to: tenants[tenant].user.account, reason: .empty, by: .test)
                throw differs("a grant was made that can't be on disk")
            } catch is DatabaseFailure {
            } catch let error as MeteringError {
                try expect("grant", expected, error)
            }
        default:
            if let index = model.openCalls().first {
                steps.append("charge \(index), while nothing can be written")
                do {
                    try await metering.charge(holds[index])
                    throw differs("a charge was made that can't be on disk")
                } catch is DatabaseFailure {}
            }
        }
        try await house.mend()
    }

    // MARK: Calls

    private mutating func randomCall(isMarked: Bool) -> (Model.Call, MeteringHouse.Ask) {
        let index = dice.below(keys.count)
        let which = dice.below(Self.models.count)
        // Some were looked at a moment before they come to be decided.
        let time = now - (dice.chance(15) ? dice.amount(1...2_000_000) : 0)
        let mark = isMarked ? Books.Mark(key: index, text: dice.below(4)) : nil
        let call = Model.Call(
            key: index, cost: Int128(dice.pick(scale.costs)), model: which, time: time, mark: mark,
            body: dice.below(4) == 0 ? 1 : 0)
        let ask = MeteringHouse.Ask(
            key: keys[index], cost: Credits(micro: Int64(call.cost)), time: Timestamp(microseconds: time),
            idempotency: mark.map { Self.idempotencyKey($0.text, body: call.body) }, model: Self.models[which].name,
            price: Self.models[which].price)
        return (call, ask)
    }

    private static func idempotencyKey(_ text: Int, body: Int) -> IdempotencyKey {
        IdempotencyKey("key-\(text)", body: [UInt8(body)])
    }

    private func outcome(of ask: MeteringHouse.Ask) async throws -> (Model.Answer, Hold?) {
        do {
            switch try await house.outcome(of: ask, by: metering) {
            case .held(let hold): return (.held(remaining: Int128(hold.remaining.micro)), hold)
            case .answered(let answer): return (.answered(answer.bytes), nil)
            }
        } catch let denial as Denial {
            return (.denied(denial), nil)
        } catch IdempotencyRefusal.inFlight {
            return (.inFlight, nil)
        } catch IdempotencyRefusal.otherBody {
            return (.otherBody, nil)
        } catch IdempotencyRefusal.notReplayable(let charge) {
            return (.notReplayable(call: holds.firstIndex { $0.id == charge } ?? -1), nil)
        }
    }

    // MARK: What the database has

    private func check() async throws {
        // Invariant 4, on the product's own numbers; limits that were lowered later bind only the next call.
        let found = try await books()
        if let difference = model.books.withoutHeld.difference(from: found) { throw differs(difference) }
        for (number, tenant) in tenants.enumerated() {
            let balance = try await metering.balance(of: tenant.user.account)
            let account = model.accounts[number]
            try expect("granted", account.granted, Int128(balance.granted.micro))
            try expect("use of account \(number)", account.use, Books.Use(balance.usage))
            try expect("available", account.available, Int128(balance.available.micro))
            guard balance.available >= .zero else { throw differs("more is used than was granted: \(balance)") }
        }
        let books = model.books
        let month = Month(of: house.hand.now)
        for (number, key) in keys.enumerated() {
            let meter = try await metering.meters(of: [key.id], in: key.account, month)[key.id] ?? KeyMeter()
            try expect("total of key \(number)", books.keys[number] ?? Books.Use(), Books.Use(meter.usage))
            try expect(
                "month of key \(number)", books.months[Books.KeyMonth(key: number, time: now)] ?? Books.Use(),
                Books.Use(meter.month))
        }
    }

    private func books() async throws -> Books {
        // (The number of a call that a crash has ended may be given again.)
        let charged = Dictionary(
            uniqueKeysWithValues: holds.indices.filter { model.calls[$0].end == .charge }
                .map { (holds[$0].number, $0) })
        let numbers = Numbers(
            accounts: Self.numbers(tenants.map(\.user.account)), keys: Self.numbers(keys.map(\.id)),
            calls: charged, models: Self.numbers(Self.models.map(\.name)),
            marks: Self.numbers((0..<4).map { Self.idempotencyKey($0, body: 0).keyDigest }),
            bodies: Self.numbers((0..<2).map { Self.idempotencyKey(0, body: $0).bodyDigest }))
        return try await house.database.read { try numbers.books($0).withoutZeros }
    }

    private static func numbers<T: Hashable>(_ names: [T]) -> [T: Int] {
        Dictionary(names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    /// Invariants 5 and 6 on the entries themselves: sums of their own, in 128 bits.
    private func checkEntries() async throws {
        let rows = try await house.database.read { connection in
            try connection.rows(
                """
                SELECT account_id, kind, amount FROM ledger UNION ALL SELECT account_id, 'charge', amount
                FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject
                """
            ).map { row in
                (try row.identifier("account_id"), try row.text("kind"), Int128(try row.integer("amount")))
            }
        }
        for (number, tenant) in tenants.enumerated() {
            var sums: [String: Int128] = [:]
            for (account, kind, amount) in rows where account == tenant.user.account {
                sums[kind, default: 0] += amount
            }
            func sum(_ kinds: String...) -> Int128 { kinds.reduce(0) { $0 + (sums[$1] ?? 0) } }
            let account = model.accounts[number]
            try expect("entries of grants", account.granted, sum("grant", "adjustment"))
            try expect("entries of charges", account.use.posted, sum("charge"))
        }
    }
}

/// Which number the model gives to what the database knows by a name.
private struct Numbers: Sendable {
    let accounts: [Identifier: Int]
    let keys: [Identifier: Int]
    let calls: [Int64: Int]
    let models: [String: Int]
    let marks: [String: Int]
    let bodies: [String: Int]

    func books(_ connection: Connection) throws -> Books {
        var books = Books()
        for row in try connection.rows("SELECT * FROM balances") {
            books.balances[accounts[try row.identifier("account_id")] ?? -1] = Books.Balance(
                granted: Int128(try row.integer("granted")), use: try Self.use(row))
        }
        for row in try connection.rows("SELECT * FROM credential_usage") {
            books.keys[try key(row)] = try Self.use(row)
        }
        for row in try connection.rows("SELECT * FROM credential_months") {
            books.months[Books.KeyMonth(key: try key(row), month: try row.integer("month"))] = try Self.use(row)
        }
        for row in try connection.rows("SELECT * FROM usage_days") {
            let line = Books.Line(
                account: accounts[try row.identifier("account_id")] ?? -1, day: try row.integer("day"),
                key: try key(row), model: models[try row.text("model")] ?? -1)
            books.days[line] = Books.Charged(
                calls: Int128(try row.integer("calls")), amount: Int128(try row.integer("amount")))
        }
        try addCharges(to: &books, connection)
        for row in try connection.rows("SELECT * FROM idempotent_calls") {
            let mark = Books.Mark(key: try key(row), text: marks[try row.text("key_digest")] ?? -1)
            books.remembered[mark] = Books.Memory(
                call: calls[try row.integer("charge")] ?? -1, body: bodies[try row.text("body_digest")] ?? -1,
                time: try row.integer("created_at"),
                answer: try row.optionalText("answer") == nil ? nil : [])
        }
        return books
    }

    private func key(_ row: Row) throws -> Int { keys[try row.identifier("credential_id")] ?? -1 }

    /// Every charge, and those that are not folded to the totals.
    private func addCharges(to books: inout Books, _ connection: Connection) throws {
        let folded = try connection.row("SELECT position FROM fold")?.integer("position") ?? -1
        let rows = try connection.rows(
            """
            SELECT charges.*, account_id, credential_id, model FROM charges
              JOIN charge_subjects ON charge_subjects.id = charges.subject
            """)
        for row in rows {
            let (key, amount) = (try key(row), Int128(try row.integer("amount")))
            let number = try row.integer("id")
            let call = calls[number] ?? -1
            // A second charge of one call is none that the model knows.
            books.charges[books.charges[call] == nil ? call : -1 - call] = amount
            if try row.integer("n") <= folded { continue }
            let account = accounts[try row.identifier("account_id")] ?? -1
            let time = number / (1 << 21) * 1000 + (try row.integer("time_offset"))
            books.balances[account, default: Books.Balance(granted: 0, use: Books.Use())].use.posted += amount
            books.keys[key, default: Books.Use()].posted += amount
            books.months[Books.KeyMonth(key: key, time: time), default: Books.Use()].posted += amount
            let line = Books.Line(
                account: account, day: Model.day(of: time), key: key, model: models[try row.text("model")] ?? -1)
            books.days[line, default: Books.Charged()].calls += 1
            books.days[line, default: Books.Charged()].amount += amount
        }
    }

    private static func use(_ row: Row) throws -> Books.Use {
        Books.Use(posted: Int128(try row.integer("posted")))
    }
}

extension Books.Use {
    fileprivate init(_ usage: Usage) {
        self.init(posted: Int128(usage.posted.micro), held: Int128(usage.held.micro))
    }
}
