import Accounts
import Credentials
import HTTPTypes
import Management
import Policy
import TestSupport
import Testing
import Values

@testable import Console

@Suite("What an account wants of its keys, in the console")
struct KeyRulesTests {
    private let keys: KeyHouse
    private let path = KeyRules.path

    init() async throws { keys = try await KeyHouse() }

    private func account() async throws -> Account { try await keys.house.accounts.account(keys.root.account) }

    private var password: [String: [String]] { ["password": [ManagementHouse.password]] }

    @Test("a root user changes the one rule, and the other stays") func age() async throws {
        #expect(try await keys.router.get("/console/keys").html.contains("href=\"\(path)\""))
        #expect(try await keys.router.get(path).html.contains("value=\"180\""))
        let saved = try await keys.router.save(
            path, password.merging(["rotation_age": ["30"]]) { $1 })
        #expect(saved.status == 303 && saved.location == "/console/keys")
        let now = try await account()
        #expect(now.keyRotationAge.days == 30 && now.allowsRevealableKeys)
    }

    @Test("no secret may be shown again, and the copies are gone") func showing() async throws {
        #expect(try await keys.key("one", isRevealable: true).key.credential.reveal == .available)
        #expect(try await keys.router.save(path, password.merging(["revealable": ["no"]]) { $1 }).status == 303)
        #expect(try await !account().allowsRevealableKeys)
        #expect(try await keys.keys().first?.reveal != .available)
        #expect(try await account().keyRotationAge == .standard)
    }

    @Test("what is no number of days is refused beside the field", arguments: ["", "0", "3651", "12.5", "a year"])
    func invalid(days: String) async throws {
        let answer = try await keys.router.save(path, password.merging(["rotation_age": [days]]) { $1 })
        #expect(answer.status == 400 && answer.html.contains("a number of days from 1 to 3,650"))
        #expect(try await account().keyRotationAge == .standard)
    }

    @Test("without the password nothing changes, and what was typed stays") func unproved() async throws {
        let answer = try await keys.router.save(
            path, ["rotation_age": ["30"], "password": ["not the password of anybody"]])
        #expect(answer.status == 400 && answer.html.contains("value=\"30\""))
        #expect(try await account().keyRotationAge == .standard)
    }
}
