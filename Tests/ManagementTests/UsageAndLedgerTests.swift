import Accounts
import Applications
import Audit
import Calls
import Credentials
import Database
import Metering
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Management

/// Calls of one app at the edges of days, and what its people and the operators read of them.
@Suite("What people read of usage and of the ledger")
struct UsageAndLedgerTests {
    private let house: ManagementHouse
    private let olga: Caller
    private let admin: User
    private let root: User
    private let ada: Caller
    private let app: Identifier
    private let key: Identifier
    private let token: String
    private var management: Management { house.management }
    private static let edges = [
        "2026-06-30T23:59:59.999999Z", "2026-07-01T00:00:00Z", "2026-07-01T11:00:00Z", "2026-07-14T23:59:59.999999Z",
        "2026-07-15T00:00:00Z", "2026-07-15T12:59:59.999999Z", "2026-07-15T13:00:00Z",
    ]

    init() async throws {
        house = try ManagementHouse()
        admin = try await house.operators()
        root = try await house.tenant("Ada", for: admin)
        olga = try await house.caller(by: house.token(Scope.allCases, of: admin))
        ada = try await house.caller(by: house.token(Scope.allCases.filter { !$0.needsAdmin }, of: root))
        app = try await house.management.createApplication(
            ada,
            NewApplication(
                name: good("Cat"), kind: .chat, model: good("echo"), allowedModels: nil, systemPrompt: nil,
                parameters: .none)
        ).id
        let made = try await house.credentials.issue(
            CredentialDraft(application: app, name: .empty, terms: KeyTerms()), by: root, .test)
        (key, token) = (made.0.id, made.1.exposed())
        house.hand.set(try Self.moment("2026-06-29T12:00:00Z"))
        _ = try await house.management.createGrant(
            olga, to: root.account, Credits(micro: 1_000_000_000), reason: nil)
        for edge in Self.edges {
            house.hand.set(try Self.moment(edge))
            try await call(edge)
        }
    }

    private static func moment(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    private func call(_ name: String, model: String = "echo") async throws {
        let answer = try await management.verifyKey(
            ada,
            KeyQuestion(
                key: good(token), application: app, model: good(model), address: nil, origin: nil, isCharged: true,
                name: good(name)))
        #expect((answer.charge != nil) == (model == "echo"))
    }

    private func charged(_ from: Timestamp?, _ until: Timestamp?) async throws -> (calls: Int64, amount: Credits?) {
        var question = LedgerQuestion()
        (question.kind, question.from, question.until) = (.charge, from, until)
        let totals = try await management.listLedger(ada, question, Page()).totals
        return (try #require(totals.entries), totals.charged)
    }

    @Test("the sum of the days is the total and the ledger, and today is among them", arguments: [-11, -1, 0, 5, 14])
    func sums(offset: Int64) async throws {
        var question = UsageQuestion()
        let first = try #require(Day("2026-06-30"))
        question.from = first
        let usage = try await management.getUsage(ada, question)
        #expect(usage.days.upperBound.text == "2026-07-15")
        #expect(usage.lines.map { $0.day?.text } == ["2026-06-30", "2026-07-01", "2026-07-14", "2026-07-15"])
        #expect(usage.lines.map(\.calls) == [1, 2, 1, 3])
        #expect(usage.calls == 7 && usage.amount == Credits(micro: 140_000_000))
        for line in usage.lines {
            let day = try #require(line.day)
            let found = try await charged(day.start, Day(number: day.number + 1).start)
            #expect(found.calls == line.calls && found.amount == line.amount)
        }
        // The days of somebody elsewhere: each call is in one of them, and all of them make the total as well.
        var (calls, amount): (Int64, Int64) = (0, 0)
        for day in first.number - 1...usage.days.upperBound.number + 1 {
            func edge(_ day: Int64) -> Timestamp { Day(number: day).start.adding(.seconds(-offset * 3600)) }
            let found = try await charged(edge(day), edge(day + 1))
            (calls, amount) = (calls + found.calls, amount + (found.amount?.micro ?? 0))
        }
        #expect(calls == usage.calls && amount == usage.amount.micro)
        let all = try await charged(nil, nil)
        #expect(all.calls == usage.calls && all.amount == usage.amount)
        #expect(
            try await management.listLedger(ada, LedgerQuestion(), Page()).totals.change == Credits(micro: 860_000_000))
    }

    @Test("without a beginning it is this month, to today") func thisMonth() async throws {
        let usage = try await management.getUsage(ada, UsageQuestion())
        #expect(usage.days.lowerBound.text == "2026-07-01" && usage.days.upperBound.text == "2026-07-15")
        #expect(usage.calls == 6)
    }

    @Test("an admin reads any account; to others a foreign one is as an absent one") func ofAny() async throws {
        let bob = try await house.tenant("Bob", for: admin)
        let his = try await house.caller(by: house.token(Scope.allCases.filter { !$0.needsAdmin }, of: bob))
        let absent = Identifier(at: house.hand.now, random: (1, 1))
        #expect(try await management.getUsage(olga, UsageQuestion(account: root.account)).calls == 6)
        #expect(try await management.getUsage(olga, UsageQuestion()).calls == 0)
        #expect(try await management.getUsage(ada, UsageQuestion(account: root.account)).calls == 6)
        #expect(
            try await management.listLedger(olga, LedgerQuestion(account: root.account), Page()).totals.entries == 8)
        func refusals(_ caller: Caller, _ account: Identifier) async -> [String] {
            var found: [String] = []
            func note(_ work: () async throws -> Void) async {
                do {
                    try await work()
                    found.append("none")
                } catch {
                    found.append("\((error as? Refusal)?.code.rawValue ?? "?") \((error as? Refusal)?.sentence ?? "")")
                }
            }
            await note { _ = try await management.getUsage(caller, UsageQuestion(account: account)) }
            await note { _ = try await management.listRefusedCalls(caller, RefusedCallsQuestion(account: account)) }
            await note { _ = try await management.listLedger(caller, LedgerQuestion(account: account), Page()) }
            return found
        }
        #expect(await refusals(his, root.account) == refusals(his, absent))
        #expect(await refusals(his, root.account).allSatisfy { $0.hasPrefix("admin_only ") })
        #expect(await refusals(olga, absent).allSatisfy { $0.hasPrefix("not_found ") })
        let narrow = try await house.caller(by: house.token([.usageRead], of: admin))
        #expect(await refusals(narrow, root.account) == refusals(narrow, absent))
        #expect(await refusals(narrow, root.account).allSatisfy { $0.hasPrefix("insufficient_scope ") })
    }

    @Test("refused calls of the last days, up to and with today, by key and for the account") func refused()
        async throws
    {
        for (day, name) in [("2026-06-11", "a"), ("2026-06-12", "b"), ("2026-07-16", "c")] {
            house.hand.set(try Self.moment(day + "T12:00:00Z"))
            try await call(name, model: "absent")
        }
        func counted(_ change: (inout RefusedCallsQuestion) -> Void) async throws -> [Int64] {
            var question = RefusedCallsQuestion()
            change(&question)
            let report = try await management.listRefusedCalls(ada, question)
            #expect(report.days.upperBound.text == "2026-07-16")
            return report.lines.map(\.calls)
        }
        #expect(try await counted { $0.last = 1 } == [1])
        #expect(try await counted { $0.last = 34 } == [1])
        #expect(try await counted { $0.last = 35 } == [1, 1])
        #expect(try await counted { ($0.last, $0.by) = (35, [.credential]) } == [2])
        #expect(try await counted { ($0.last, $0.credential) = (35, key) } == [1, 1])
        #expect(try await counted { ($0.last, $0.credential) = (35, app) } == [])
        for last in [0, 36, -1, Int.max] { await refused("days") { $0.last = last } }
        await refused("days") { ($0.last, $0.from) = (7, Day(number: 1)) }
        await refused("days") { ($0.last, $0.until) = (7, Day(number: 1)) }
    }

    private func refused(_ field: String, _ change: (inout RefusedCallsQuestion) -> Void) async {
        var question = RefusedCallsQuestion()
        change(&question)
        let refusal = await #expect(throws: Refusal.self) { try await management.listRefusedCalls(ada, question) }
        #expect(refusal?.fields.map(\.field) == [field])
    }

    @Test("a span must begin before it ends, for the ledger and for the audit record") func spans() async throws {
        let now = house.hand.now
        for from in [now, now.adding(.microseconds(1))] {
            var question = LedgerQuestion()
            (question.from, question.until) = (from, now)
            let one = await #expect(throws: Refusal.self) { try await management.listLedger(ada, question, Page()) }
            #expect(one?.fields.map(\.field) == ["from"])
            var filter = AuditFilter()
            (filter.from, filter.until) = (from, now)
            for caller in [ada, olga] {
                let other = await #expect(throws: Refusal.self) {
                    try await management.listAudit(caller, filter, Page())
                }
                #expect(other?.fields.map(\.field) == ["from"])
            }
        }
    }
}
