import Accounts
import Applications
import Catalog
import Credentials
import Metering
import Policy
import TestSupport
import Testing
import Values

@testable import Management

@Suite("Pricing groups and the preview of a multiplier")
struct GroupPreviewTests {
    private let house: ManagementHouse
    private let admin: Caller
    private let ada: User
    private var management: Management { house.management }

    init() async throws {
        house = try ManagementHouse()
        let user = try await house.operators()
        admin = try await house.session(of: user)
        ada = try await house.tenant("Ada", for: user)
        _ = try await house.management.createGroup(admin, good("gold"), .one)
    }

    private func multiplier(_ text: String) throws -> Multiplier { try #require(Multiplier(decimal: text)) }

    private func preview(
        _ text: String, over span: PreviewSpan = .days(1), from time: Timestamp? = nil
    ) async throws -> MultiplierPreview {
        try await management.previewMultiplier(
            admin, multiplier(text), of: good("gold"), over: span, effectiveAt: time)
    }

    private func code(_ work: () async throws -> Void) async -> Refusal.Code? {
        do {
            try await work()
            return nil
        } catch {
            return (error as? Refusal)?.code
        }
    }

    @Test("operators are told who uses a group and what is to come, and nobody else is") func use() async throws {
        var edit = AccountEdit()
        edit.groups = try [good("gold")]
        _ = try await management.updateAccount(admin, ada.account, edit)
        let root = try await house.session(of: ada)
        let app = try await management.createApplication(
            root,
            NewApplication(
                name: good("Cat"), kind: .chat, model: good("echo"), allowedModels: nil, systemPrompt: nil,
                parameters: .none))
        var terms = KeyTerms()
        terms.group = "gold"
        let issued = try await management.createCredential(
            root, CredentialDraft(application: app.id, name: .empty, terms: terms))
        _ = try await management.createCredential(
            root, CredentialDraft(application: app.id, name: .empty, terms: KeyTerms()))
        let start = house.hand.now.adding(.seconds(60))
        let later = try await management.createMultiplier(
            admin, multiplier("3"), of: good("gold"), effectiveAt: start)
        let gold = try await management.getGroup(admin, good("gold"))
        #expect(gold.use == GroupUse(accounts: 0, keys: 1) && gold.scheduled?.id == later.id)
        #expect(gold.multiplier == .one && gold.isForOperator)
        let listed = try await management.listGroups(admin, limit: 10, after: nil, isCounted: true).items
        #expect(listed.map(\.use) == [GroupUse(accounts: 0, keys: 1), GroupUse(accounts: 2, keys: 0)])
        let own = try await management.listGroups(root, limit: 10, after: nil, isCounted: true).items
        #expect(own.map(\.group.name) == ["gold", "standard"] && own.allSatisfy { $0.use == nil && !$0.isForOperator })
        // Who is gone uses nothing.
        try await management.deleteCredential(root, issued.key.credential.id)
        #expect(try await management.getGroup(admin, good("gold")).use == GroupUse(accounts: 0, keys: 0))
        house.hand.set(start)
        let begun = try await management.getGroup(admin, good("gold"))
        #expect(begun.multiplier?.decimal == "3" && begun.scheduled == nil)
    }

    @Test("a preview is of so many days or of a month, and of nothing that is to come") func spans() async throws {
        let now = house.hand.now
        let today = Day(of: now)
        #expect(try await preview("2", over: .days(3)).days == Day(number: today.number - 2)...today)
        let last = Month(number: today.month.number - 1)
        let days = try await preview("2", over: .month(last)).days
        #expect(days.lowerBound.text == last.text + "-01" && days.upperBound.number == today.firstOfMonth.number - 1)
        #expect(try await preview("2", over: .month(today.month)).days == today.firstOfMonth...today)
        for span in [PreviewSpan.days(0), .days(367), .month(Month(number: today.month.number + 1))] {
            #expect(await code { _ = try await preview("2", over: span) } == .invalidRequest, "\(span)")
        }
        #expect(try await preview("2", over: .month(Month(number: -23_000))).preview.total.calls == 0)
    }

    @Test("a multiplier is set on the basis of its preview, and only while that holds") func basis() async throws {
        let later = house.hand.now.adding(.seconds(3600))
        func set(_ text: String, _ time: Timestamp?, _ basis: PreviewBasis) async -> Refusal.Code? {
            await code {
                _ = try await management.createMultiplier(
                    admin, multiplier(text), of: good("gold"), effectiveAt: time, basis: basis)
            }
        }
        let seen = try await preview("0.5", from: later)
        #expect(seen.current == .one && seen.effectiveAt == later)
        // Of another multiplier, or of another time, it is the basis of nothing.
        #expect(await set("0.6", later, seen.basis) == .previewOutdated)
        #expect(await set("0.5", nil, seen.basis) == .previewOutdated)
        #expect(await set("0.5", later, seen.basis) == nil)
        // It has changed by that very save.
        let again = later.adding(.seconds(1))
        #expect(await set("0.5", again, try preview("0.5", from: again).basis) == nil)
        let third = again.adding(.seconds(1))
        let old = try await preview("0.7", from: third).basis
        let group = try await management.getGroup(admin, good("gold"))
        try await management.deleteMultiplier(admin, try #require(group.scheduled).id, of: good("gold"))
        #expect(await set("0.7", third, old) == .previewOutdated)
        // What was scheduled has begun meanwhile.
        let before = try await preview("0.7", from: third).basis
        house.hand.set(again)
        #expect(await set("0.7", third, before) == .previewOutdated)
        #expect(await set("0.7", third, try preview("0.7", from: third).basis) == nil)
    }

    @Test("a preview refuses what saving would refuse") func refused() async throws {
        let later = house.hand.now.adding(.seconds(3600))
        #expect(await code { _ = try await preview("2", from: house.hand.now) } == .invalidRequest)
        _ = try await management.createMultiplier(admin, multiplier("2"), of: good("gold"), effectiveAt: later)
        #expect(await code { _ = try await preview("3", from: later) } == .versionExists)
        #expect(await code { _ = try await preview("3", from: later.adding(.seconds(1))) } == nil)
    }
}
