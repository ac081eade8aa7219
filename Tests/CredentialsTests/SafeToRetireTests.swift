import Policy
import Secrets
import Testing
import Values

@testable import Credentials

@Suite("When an old secret can go")
struct SafeToRetireTests {
    private static let day: Int64 = 86_400

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        /// Seconds after the rotation.
        var newUsed: Int64?
        var oldUsed: Int64?
        var hasOld = true
        let now: Int64
        let isSafe: Bool
        var testDescription: String { name }
    }

    static let table = [
        Row(name: "nothing retires", newUsed: 1, hasOld: false, now: 9 * day, isSafe: false),
        Row(name: "the new one was never used", oldUsed: 1, now: 9 * day, isSafe: false),
        Row(name: "neither was ever used", now: 9 * day, isSafe: false),
        Row(name: "the old one is silent for a day", newUsed: 1, oldUsed: 10, now: 10 + day, isSafe: true),
        Row(name: "a second less than a day", newUsed: 1, oldUsed: 10, now: 9 + day, isSafe: false),
        Row(name: "the old one is used now", newUsed: 1, oldUsed: 5 * day, now: 5 * day, isSafe: false),
        Row(
            name: "the old one was last used long before the rotation: a day from that", newUsed: 1, oldUsed: -5 * day,
            now: day - 1, isSafe: false),
        Row(name: "and then it can go", newUsed: 1, oldUsed: -5 * day, now: day, isSafe: true),
        Row(name: "the old one was never used: a day from the rotation", newUsed: 1, now: day - 1, isSafe: false),
        Row(name: "never used, and the day is over", newUsed: 1, now: day, isSafe: true),
        Row(name: "the new one is used first just now", newUsed: 9 * day, oldUsed: 10, now: 9 * day, isSafe: true),
    ]

    @Test("the new one is in use, and the old one has been silent for a day", arguments: table)
    func safe(row: Row) throws {
        let rotation = Timestamp(microseconds: 1_780_315_200_000_000)
        func time(_ seconds: Int64) -> Timestamp { rotation.adding(.seconds(seconds)) }
        let id = Identifier(at: rotation, random: (1, 2))
        let secretID = try #require(TokenID("012345678901"))
        let old = KeySecret(
            id: secretID, hint: "", createdAt: time(-30 * Self.day), lastUsedAt: row.oldUsed.map(time),
            endsAt: time(30 * Self.day))
        let credential = Credential(
            id: id, creator: id, account: id, application: id, name: "", terms: KeyTerms(), labels: [],
            environment: nil, isEnabled: true,
            secret: KeySecret(
                id: secretID, hint: "", createdAt: rotation, lastUsedAt: row.newUsed.map(time), endsAt: nil),
            retiring: row.hasOld ? old : nil, reveal: .showOnce, reveals: 0, createdAt: old.createdAt,
            updatedAt: rotation)
        #expect(credential.isSafeToRetire(at: time(row.now)) == row.isSafe)
    }
}
