import Accounts
import Applications
import Credentials
import Metering
import Policy
import Secrets
import TestSupport
import Testing
import Values

@testable import Management

/// Lists of keys as their account asks for them: by status, which takes the credits that were used, and page by page.
@Suite("Lists of keys by status and cursor")
struct KeyListingTests {
    private let house: ManagementHouse
    private let caller: Caller
    private let app: Identifier
    /// The status of each key, by name.
    private let statuses: [String: KeyStatus]

    init() async throws {
        house = try ManagementHouse()
        let olga = try await house.operators()
        let root = try await house.tenant("Ada", for: olga)
        caller = try await house.session(of: root)
        let chat = try ChatSettings(
            model: good("echo"), allowedModels: nil, systemPrompt: nil, parameters: .none)
        app = try await house.applications.create(
            ApplicationDraft(name: good("Cat"), chat: chat), in: root.account, by: .test
        ).id
        statuses = [
            "a": .suspended, "b": .active, "c": .exhausted, "d": .expired, "e": .disabled, "f": .active,
            "g": .suspended,
            "h": .expired, "i": .exhausted,
        ]
        let soon = house.hand.now.adding(.seconds(1))
        for (name, status) in statuses.sorted(by: { $0.key < $1.key }) {
            let terms = KeyTerms(
                expiresAt: status == .expired ? soon : nil, creditLimit: status == .exhausted ? .zero : nil,
                monthlyLimit: status == .suspended ? .zero : nil)
            let key = try await house.management.createCredential(
                caller, CredentialDraft(application: app, name: good(name), terms: terms))
            if status == .disabled {
                var edit = CredentialEdit()
                edit.isEnabled = false
                _ = try await house.management.updateCredential(caller, key.key.credential.id, edit)
            }
        }
        house.hand.set(soon)
    }

    private func question(_ statuses: [KeyStatus]?, _ sort: KeySort = KeySort(.name)) -> KeyListQuestion {
        var question = KeyListQuestion()
        question.statuses = statuses
        question.sort = sort
        return question
    }

    private func walk(_ question: KeyListQuestion, _ limit: Int) async throws -> [KeyDetails] {
        var (found, cursor): ([KeyDetails], Text?) = ([], nil)
        for _ in 0..<100 {
            let page = try await house.management.listCredentials(caller, question, limit: limit, cursor: cursor)
            #expect(page.items.count <= limit)
            found += page.items
            guard let next = page.next else { return found }
            cursor = Text(next.text)
        }
        Issue.record("the list has no end")
        return found
    }

    @Test("each set of statuses finds the keys that show one of them, once and in order, in pages of every size")
    func byStatus() async throws {
        for bits in 1..<1 << KeyStatus.allCases.count {
            let asked = KeyStatus.allCases.enumerated().filter { bits & 1 << $0.offset != 0 }.map(\.element)
            let meant = statuses.filter { asked.contains($0.value) }.keys.sorted()
            for sort in [KeySort(.name), KeySort(.name, isDescending: true)] {
                let found = try await walk(question(asked, sort), 1 + bits % 4)
                #expect(found.map(\.credential.name) == (sort.isDescending ? meant.reversed() : meant), "\(asked)")
                #expect(found.allSatisfy { asked.contains($0.status) })
            }
        }
        #expect(try await walk(question(nil), 2).map(\.credential.name) == statuses.keys.sorted())
    }

    @Test("a page of a status is as long as it was asked for, where there are so many") func fullPages() async throws {
        let page = try await house.management.listCredentials(caller, question([.suspended, .expired]), limit: 3)
        #expect(page.items.map(\.credential.name) == ["a", "d", "g"])
        #expect(page.next != nil)
    }

    private func refusal(_ question: KeyListQuestion, _ cursor: Text) async -> Refusal? {
        do {
            _ = try await house.management.listCredentials(caller, question, limit: 2, cursor: cursor)
            return nil
        } catch {
            return error
        }
    }

    @Test("a cursor is good for the question that it was made for, whatever the limit, and for no other")
    func boundCursor() async throws {
        let made = question([.active, .suspended])
        let first = try await house.management.listCredentials(caller, made, limit: 1)
        let cursor = Text(try #require(first.next).text)
        #expect(await refusal(made, cursor) == nil)
        #expect(await refusal(question([.suspended, .active]), cursor) == nil)
        var others = [
            question(nil), question([.active]), question([.active, .suspended], .standard),
            question([.active, .suspended], KeySort(.name, isDescending: true)),
        ]
        let changes: [(inout KeyListQuestion) throws -> Void] = [
            { $0.search = try good("a") }, { $0.application = app }, { $0.label = try good("a") },
            { $0.environment = try good("a") },
        ]
        for change in changes {
            var other = made
            try change(&other)
            others.append(other)
        }
        for other in others {
            let refusal = await refusal(other, cursor)
            #expect(refusal?.code == .invalidRequest && refusal?.fields.map(\.field) == ["cursor"])
        }
        // A label is not an environment.
        var (labelled, placed) = (made, made)
        labelled.label = try good("a")
        placed.environment = try good("a")
        #expect(labelled.mark != placed.mark)
    }

    @Test("what is no cursor is refused by name", arguments: KeySort.Field.allCases)
    func noCursor(field: KeySort.Field) async throws {
        let asked = question(nil, KeySort(field))
        let next = try #require(try await house.management.listCredentials(caller, asked, limit: 1).next)
        let parts = next.text.split(separator: ".").map(String.init)
        let (digest, id, value) = (parts[0], parts[1], parts[2])
        for text in [
            "", "x", id, "..", digest, "\(digest).\(id)", "\(digest).\(id).\(value).",
            "\(digest).\(id.uppercased()).\(value)",
            "\(digest).x.\(value)", "0000000000000000.\(id).\(value)", "\(digest).\(id).x", "\(digest).\(id).zz",
            "\(digest).\(id).+1", "\(digest).\(id).\(field == .name ? "0" : "01")", "\(digest).\(id).ff",
            "\(digest).\(id).99999999999999999999",
            "\(digest).\(id).\(String(repeating: "61", count: 600))",
        ] {
            #expect(await refusal(asked, Text(text))?.fields.map(\.field) == ["cursor"], "\(text)")
        }
        #expect(await refusal(asked, Text(next.text)) == nil)
    }

    @Test("a key is not searched for by itself") func wholeKey() async throws {
        let issued = try await house.management.createCredential(
            caller, CredentialDraft(application: app, name: .empty, terms: KeyTerms()))
        var question = KeyListQuestion()
        question.search = try good(issued.secret.exposed())
        let refused = await #expect(throws: Refusal.self) {
            try await house.management.listCredentials(caller, question)
        }
        #expect(refused?.fields.map(\.field) == ["search"])
        question.search = try good(issued.key.credential.secret.id.text)
        #expect(try await walk(question, 10).map(\.credential.id) == [issued.key.credential.id])
    }
}
