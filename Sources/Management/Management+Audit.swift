import Accounts
package import Audit
package import Database
package import Values

/// Who did what.
extension Management {
    /// The caller's own account's for tenants; for operators all there are, or those of one account.
    ///
    /// Tenants find nothing by the name of somebody whom they may not know: it would tell them who that is.
    /// - Returns: also the people whom the reader may know by name and address; `nil` for everybody.
    package func listAudit(
        _ caller: Caller, _ filter: AuditFilter, _ page: Page
    ) async throws(Refusal) -> (Listing<AuditEntry>, people: Set<Identifier>?) {
        if filter.account != nil || caller.actor?.user.isAdmin == true {
            return try await perform(.listAuditOfAll, caller, in: filter.account) { domains, _ in
                try Self.checkTimes(filter.from, filter.until)
                return (try await domains.audit.entries(filter, page), nil)
            }
        }
        return try await perform(.listAudit, caller) { domains, actor in
            try Self.checkTimes(filter.from, filter.until)
            let people = try await domains.accounts.everyone(of: actor.account)
            if let name = filter.actor, !people.contains(name) { return (Listing([], next: nil), people) }
            var own = filter
            own.account = actor.account
            return (try await domains.audit.entries(own, page), people)
        }
    }
}
