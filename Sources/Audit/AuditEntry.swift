import Secrets
package import Values

/// One thing that somebody did.
package struct AuditEntry: Sendable {
    /// Its place in the chain.
    package struct Link: Sendable, Equatable {
        /// From 1, without gaps.
        package var sequence: Int64
        package var hash: String
    }

    package enum Action: String, Sendable, CaseIterable {
        /// The first entry of the chain.
        case auditBegin = "audit.begin"
        /// The data was made of a backup, whose head is in the detail.
        case deploymentRestore = "deployment.restore"
        case accountCreate = "account.create"
        case accountEdit = "account.edit"
        case accountSuspend = "account.suspend"
        case accountResume = "account.resume"
        case accountClose = "account.close"
        case accountKeyPolicy = "account.key_policy"
        case applicationCreate = "application.create"
        case applicationEdit = "application.edit"
        case applicationDelete = "application.delete"
        case credentialCreate = "credential.create"
        case credentialEdit = "credential.edit"
        case credentialEnable = "credential.enable"
        case credentialDisable = "credential.disable"
        case credentialDelete = "credential.delete"
        case credentialRotate = "credential.rotate"
        case credentialRetire = "credential.retire"
        case credentialReveal = "credential.reveal"
        case credentialLeak = "credential.leak"
        case creditsGrant = "credits.grant"
        case creditsAdjust = "credits.adjust"
        case modelCreate = "model.create"
        case modelDelete = "model.delete"
        case groupCreate = "group.create"
        case groupEdit = "group.edit"
        case multiplierCreate = "multiplier.create"
        case multiplierWithdraw = "multiplier.withdraw"
        case priceCreate = "price.create"
        case priceWithdraw = "price.withdraw"
        case providerCreate = "provider.create"
        case providerEdit = "provider.edit"
        case providerDelete = "provider.delete"
        case sessionCreate = "session.create"
        case sessionReauthenticate = "session.reauthenticate"
        case tokenCreate = "platform_token.create"
        case tokenDelete = "platform_token.delete"
        case userInvite = "user.invite"
        case userUninvite = "user.uninvite"
        case userJoin = "user.join"
        case userRole = "user.role"
        case userRemove = "user.remove"
        case passwordChange = "password.change"
        case passwordResetCreate = "password_reset.create"
        case passwordReset = "password_reset.use"
        case secondFactorSet = "second_factor.set"
        case secondFactorRemove = "second_factor.remove"
        case recoveryCodesCreate = "recovery_codes.create"
    }

    package var id: Identifier
    package var link: Link
    package var at: Timestamp
    package var actor: Identifier?
    package var action: Action
    /// The account that it was done to.
    package var account: Identifier?
    /// What it was done to: an identifier, or a name where that is what names the object.
    package var object: String?
    /// What changed, by field.
    package var detail: [String: String]
    package var address: String

    /// The keyed hash over everything that the entry says and the hash before it.
    /// - Parameter previous: empty for the first entry.
    func hash(after previous: String, _ chain: AuditChain) -> String {
        var fields: [String?] = [
            String(link.sequence), id.description, String(at.microseconds), actor?.description,
            action.rawValue, account?.description, object, address,
        ]
        for (field, value) in detail.sorted(by: { $0.key < $1.key }) { fields += [field, value] }
        return chain.link(after: previous, fields)
    }
}
