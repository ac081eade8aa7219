import Accounts
import Management
import TestSupport
import Values

/// One kind of caller, as a column of the fixture names it.
struct MatrixAsker: Sendable {
    let column: String
    /// The one that a token has, where the column tells them apart.
    var scope: Scope?
    let caller: Caller
    /// Another session of theirs, for signing out of.
    var spare: Caller?

    var name: String { scope.map { "\(column), \($0.rawValue)" } ?? column }
}

extension MatrixAsker {
    /// Everybody who may come to the management, apart from what HTTP alone can tell apart.
    /// - Parameter here: the root user of the account that everything is about.
    static func everybody(in house: ManagementHouse, here: User, elsewhere: User, admin: User) async throws
        -> [MatrixAsker]
    {
        func person(_ column: String, _ user: User) async throws -> MatrixAsker {
            MatrixAsker(
                column: column, caller: try await house.session(of: user), spare: try await house.session(of: user))
        }
        let member = try await house.join(here.account, "member@here.example", as: .member, for: here)
        var all = [MatrixAsker(column: "nobody", caller: house.nobody)]
        all.append(try await person("stale root", here))
        all.append(try await person("stale admin", admin))
        house.hand.advance(Session.freshness + .seconds(1))
        all.append(try await person("member", member))
        all.append(try await person("root", here))
        all.append(try await person("root elsewhere", elsewhere))
        all.append(try await person("admin", admin))

        func scopes(_ user: User) -> [Scope] { Scope.allCases.filter { $0.isOpen(to: user) } }
        let whole = try await house.token(scopes(member), of: member)
        all.append(MatrixAsker(column: "member's token", caller: try await house.caller(by: whole)))
        let former = try await house.join(here.account, "former@here.example", as: .root, for: here)
        let kept = try await house.token(scopes(former), of: former)
        _ = try await house.accounts.setRole(.member, of: former.id, in: here.account, for: here, by: .test)
        all.append(MatrixAsker(column: "former root's token", caller: try await house.caller(by: kept)))
        for (column, user) in [("root's tokens", here), ("admin's tokens", admin)] {
            for scope in scopes(user) {
                let token = try await house.token([scope], of: user)
                all.append(
                    MatrixAsker(column: column, scope: scope, caller: try await house.caller(by: token)))
            }
        }
        return all
    }
}
