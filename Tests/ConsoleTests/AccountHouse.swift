import Accounts
import Catalog
import Management
import Policy
import TestSupport
import Testing
import Values

@testable import Console

/// An operator who is signed in at the console, and the account of somebody else.
struct AccountHouse {
    let router: ConsoleRouter
    let admin: User
    let root: User

    var house: ManagementHouse { router.house }
    var path: String { "/console/accounts/\(root.account)" }

    init(language: String = "en") async throws {
        router = try ConsoleRouter(try ManagementHouse())
        router.language = language
        admin = try await router.house.operators()
        root = try await router.house.tenant("Ada", for: admin)
        try await router.signIn(admin)
    }

    func account() async throws -> Account { try await house.accounts.account(root.account) }

    func details() async throws -> AccountDetails {
        try await house.management.getAccount(try await house.session(of: admin), root.account)
    }

    /// An account that nobody is in.
    func empty(_ name: String = "Bare") async throws -> Account {
        try await house.accounts.create(AccountDraft(name: good(name), cap: .standard), by: .test)
    }

    func groups(_ numbers: ClosedRange<Int>) async throws {
        for number in numbers {
            _ = try await house.catalog.createGroup(good("group-\(number)"), .one, by: .test)
        }
    }

    /// Sends the form of a page as it stands, with what is changed and the operator's password.
    func send(
        _ path: String, _ fields: [String: String] = [:], password: String? = ManagementHouse.password
    ) async throws -> ConsoleRouter.Answer {
        var changes = fields.mapValues { [$0] }
        if let password { changes["password"] = [password] }
        return try await router.save(path, changes)
    }

    /// The secret that a page shows this once.
    static func secret(_ answer: ConsoleRouter.Answer) throws -> String {
        let box = try #require(answer.html.firstMatch(of: /<code class="secret"[^>]*>(.*?)<\/code>/))
        return String(box.output.1).replacing(/<[^>]*>/, with: "")
    }
}
