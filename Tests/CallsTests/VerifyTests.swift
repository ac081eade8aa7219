import Accounts
import Applications
import Calls
import Credentials
import Metering
import Policy
import Secrets
import TestSupport
import Testing
import Values

/// A service owner's question, and who is told what (ASVS 8.2.2).
@Suite("Asking whether a key may make a call")
struct VerifyTests {
    private let house: CallsHouse

    init() async throws {
        house = try await CallsHouse()
        try await house.grant(100)
    }

    @Test("an allowed call is answered with the key, the model, what it costs and what is left, and charges nothing")
    func allowed() async throws {
        let made = try await house.issue()
        let before = try await house.dump()
        let answer = try await house.ask(made.key, model: "large")
        #expect(answer.denial == nil)
        #expect(answer.credential == made.credential.id)
        #expect(answer.model == "large")
        #expect(answer.cost == Credits(micro: 7_000_000))
        #expect(answer.remaining == Credits(micro: 93_000_000))
        #expect(answer.charge == nil)
        #expect(try await house.dump() == before)
    }

    @Test("only an app of one's own can be asked about") func foreignApp() async throws {
        let made = try await house.issue()
        let absent = Identifier(at: house.hand.now, random: (7, 7))
        await #expect(throws: CallsError.noSuchApplication) { try await house.ask(made.key, house.owl) }
        await #expect(throws: CallsError.noSuchApplication) {
            try await house.calls.verify(
                Question(key: made.key, application: absent, model: nil, address: nil, origin: .none),
                for: house.ada.account, charging: nil, at: house.hand.now)
        }
    }

    @Test("another account's key is a key of another app and nothing more is told of it") func foreignKey() async throws
    {
        let his = try await house.issue(for: house.owl, of: house.bob)
        for request in [nil, "r1"] {
            let answer = try await house.ask(his.key, charging: request)
            #expect(answer.denial == .wrongApp)
            #expect(answer.credential == nil)
            #expect(answer.model == nil)
            #expect(answer.remaining == nil)
        }
        let own = try await house.issue(for: house.dog)
        let answer = try await house.ask(own.key)
        #expect(answer.denial == .wrongApp)
        #expect(answer.credential == own.credential.id)
    }

    @Test("malformed, forged, unknown and deleted keys are all the same") func invalid() async throws {
        let deleted = try await house.issue()
        try await house.credentials.delete(deleted.credential.id, of: house.ada.account, by: .test)
        let strangers = DeploymentSecrets(master: Secret("other"), pepper: Secret("other"))
        let forged = try TokenFormat(prefix: "sk-", keys: strangers).mint(.system).secret.exposed()
        let unknown = try TokenFormat(prefix: "sk-", keys: .test).mint(.system).secret.exposed()
        for key in ["", "sk-", "x", forged, unknown, deleted.key, " " + deleted.key] {
            let answer = try await house.ask(key, charging: "r1")
            #expect(answer.denial == .invalidKey)
            #expect(answer.credential == nil)
        }
        #expect(try await house.count("charges") == 0)
    }

    @Test("a denied call is counted for its key; a question that is no call, or about another's key, is not")
    func countsDenials() async throws {
        let made = try await house.issue(KeyTerms(models: ["small"]))
        let his = try await house.issue(for: house.owl, of: house.bob)
        func counts(_ account: Identifier) async throws -> [String: Int64] {
            let day = Day(of: house.hand.now)
            let lines = try await house.metering.refusedCalls(
                RefusedCallsRequest(account: account, days: day...day))
            return Dictionary(uniqueKeysWithValues: lines.map { ($0.group.code ?? "", $0.calls) })
        }
        _ = try await house.ask(made.key, model: "large")
        _ = try await house.ask(his.key, charging: "r1")
        #expect(try await counts(house.ada.account).isEmpty)
        for request in ["r1", "r2"] { _ = try await house.ask(made.key, model: "large", charging: request) }
        _ = try await house.ask(made.key, house.dog, charging: "r3")
        #expect(
            try await counts(house.ada.account)
                == [Denial.modelNotAllowed.rawValue: 2, Denial.wrongApp.rawValue: 1])
        #expect(try await counts(house.bob.account).isEmpty)
    }

    @Test("a call that is let through is a use of its secret, one that is denied is none") func uses() async throws {
        let made = try await house.issue(KeyTerms(models: ["small"]))
        func lastUse() async throws -> Timestamp? {
            try await house.credentials.find(made.credential.id, of: house.ada.account).secret.lastUsedAt
        }
        _ = try await house.ask(made.key, model: "large")
        _ = try await house.ask(made.key, house.dog)
        _ = try await house.ask(made.key, on: .unknown)
        #expect(try await lastUse() == nil)
        house.hand.advance(.seconds(5))
        _ = try await house.ask(made.key)
        #expect(try await lastUse() == house.hand.now)
    }

    @Test("either secret of a key is the key") func bothSecrets() async throws {
        let old = try await house.issue()
        let (_, new) = try await house.credentials.rotate(
            old.credential.id, of: house.ada.account, overlap: .seconds(60), by: .test)
        let first = try await house.ask(old.key, charging: "r1")
        let second = try await house.ask(new.exposed(), charging: "r1")
        #expect(first.charge != nil)
        #expect(second.charge == first.charge)
        house.hand.advance(.seconds(60))
        #expect(try await house.ask(old.key, charging: "r1").denial == .invalidKey)
    }
}
