import Hummingbird
import Management
import Values
import Web

/// Whose people a page is about: those of the person's own account, or of one that an operator looks after.
struct PeoplePlace: Sendable {
    let account: Identifier
    /// The page that lists them.
    let list: String
    /// What the addresses of their forms begin with.
    let base: String
    let entry: Navigation.Place
    /// Whether it is the page of an operator.
    let isForOperators: Bool

    /// The one that an operator looks after.
    init(of account: Identifier) {
        self.account = account
        list = "\(Console.accountsPath)/\(account)"
        base = list + "/members"
        (entry, isForOperators) = (.accounts, true)
    }

    /// The person's own.
    init(own account: Identifier) {
        self.account = account
        (list, base) = ("/console/members", "/console/members")
        (entry, isForOperators) = (.members, false)
    }

    /// What the routes of both begin with, and what one must be allowed to do to come near them.
    static let roots: [(path: String, operation: Operation)] = [
        ("/members", .listUsers), ("/accounts/{account_id}/members", .listAccounts),
    ]
}

extension Visit {
    /// Whose people the address is about.
    func peoplePlace() throws -> PeoplePlace {
        guard context.parameters.get("account_id") != nil else { return PeoplePlace(own: try account()) }
        return PeoplePlace(of: try identifier("account_id"))
    }
}
