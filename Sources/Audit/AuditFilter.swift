package import Values

/// Which entries of the record are asked for: those that everything here lets through.
package struct AuditFilter: Sendable {
    /// To which account something was done; `nil` for all there are.
    package var account: Identifier?
    /// Who did it.
    package var actor: Identifier?
    package var action: AuditEntry.Action?
    /// The first moment that counts.
    package var from: Timestamp?
    /// The first moment that does not count any more.
    package var until: Timestamp?

    package init(account: Identifier? = nil) { self.account = account }
}

extension AuditEntry.Action: FieldText {
    package static let rule = "must be an action of the audit record, such as credential.create"

    package init?(_ text: String) { self.init(rawValue: text) }
}
