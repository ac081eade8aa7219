import Accounts
import Values

/// Everything that can be asked of the platform, with what it needs. This is the table of permissions: there is no other.
///
/// The names are those of `openapi.yaml`. Where one request needs more for a part of what it can do, the part is an
/// operation of its own.
package enum Operation: String, CaseIterable, Sendable {
    // Coming in
    case setUp, acceptInvitation, createSession, acceptPasswordReset
    // Oneself
    case getSession, reauthenticate, listSessions, endSession, deleteSession, getCurrentUser, changePassword
    case beginTotp, confirmTotp, deleteTotp, createRecoveryCodes
    case listPlatformTokens, createPlatformToken, deletePlatformToken
    // The people of an account
    case listUsers, updateUserToMember, updateUserToRoot, deleteUser
    case listInvitations, createInvitation, createInvitationOfRoot, deleteInvitation
    case createPasswordReset, deleteUserSecondFactor
    // Accounts
    case listAccounts, createAccount, getAccount, updateAccount, closeAccount, updateKeyPolicy
    case createGrant, createAdjustment
    // Applications and their keys
    case listApplications, createApplication, getApplication, updateApplication
    case deleteApplication, deleteApplicationWithKeys
    case listCredentials, createCredential, getCredential, updateCredential, deleteCredential
    case revealCredential, rotateCredential, retireCredential, reportLeakToDisable, reportLeakToRotate
    case explainCredential, verifyKey
    // What was used and what was done
    case getUsage, getUsageOfAny, listRefusedCalls, listRefusedCallsOfAny, listLedger, listLedgerOfAny
    case listAudit, listAuditOfAll
    // The catalog
    case listProviders, createProvider, getProvider, updateProvider, deleteProvider, testProvider
    case listModels, listModelsOfProvider, createModel, getModel, deleteModel, listPrices, createPrice, deletePrice
    case listGroups, createGroup, getGroup, updateGroup, listMultipliers, createMultiplier, deleteMultiplier
    case previewMultiplier
    // The deployment
    case getDeploymentHealth
}

extension Operation {
    /// In the order in which they are asked. Empty for what anybody may ask for.
    package var needs: [Need] {
        switch self {
        case .setUp, .acceptInvitation, .createSession, .acceptPasswordReset: []

        case .getCurrentUser: [.signedIn]
        case .getSession, .reauthenticate, .listSessions, .endSession, .deleteSession, .changePassword: [.person]
        case .beginTotp, .confirmTotp, .deleteTotp, .createRecoveryCodes: [.freshPerson]
        case .listPlatformTokens: [.scope(.tokensRead)]
        case .createPlatformToken: [.freshPerson]
        case .deletePlatformToken: [.person]

        case .listUsers, .listInvitations: [.account(own: .usersRead, any: .accountsRead)]
        case .updateUserToMember, .deleteUser, .createInvitation, .deleteInvitation:
            [.account(own: .usersWrite, any: .accountsWrite), .freshness]
        // A root user is made by a person alone: otherwise this one scope of a token would be worth all others.
        case .updateUserToRoot, .createInvitationOfRoot:
            [.account(own: .usersWrite, any: .accountsWrite), .freshPerson]
        case .createPasswordReset, .deleteUserSecondFactor, .closeAccount: [.freshPerson, .scope(.accountsWrite)]

        case .listAccounts: [.scope(.accountsRead)]
        case .createAccount, .updateAccount: [.scope(.accountsWrite)]
        case .getAccount: [.ownAccount(orAny: .accountsRead)]
        case .updateKeyPolicy: [.freshPerson, .ownAccount(orAny: nil), .scope(.credentialsWrite)]
        case .createGrant, .createAdjustment: [.scope(.creditsWrite)]

        case .listApplications, .getApplication: [.scope(.applicationsRead)]
        case .createApplication, .updateApplication: [.scope(.applicationsWrite)]
        case .deleteApplication: [.scope(.applicationsDelete)]
        // Deleting the keys is a right of its own: a token that may only delete apps deletes only empty ones.
        case .deleteApplicationWithKeys: [.scope(.applicationsDelete), .scope(.credentialsDelete), .freshness]

        case .listCredentials, .getCredential, .explainCredential: [.scope(.credentialsRead)]
        case .createCredential, .updateCredential, .reportLeakToDisable: [.scope(.credentialsWrite)]
        case .deleteCredential: [.scope(.credentialsDelete), .freshness]
        case .revealCredential: [.person, .scope(.credentialsWrite)]
        case .rotateCredential, .retireCredential, .reportLeakToRotate: [.scope(.credentialsRotate), .freshness]
        case .verifyKey: [.scope(.credentialsVerify)]

        case .getUsage, .listRefusedCalls, .listLedger: [.scope(.usageRead)]
        case .getUsageOfAny, .listRefusedCallsOfAny, .listLedgerOfAny: [.scope(.usageRead), .scope(.accountsRead)]
        case .listAudit: [.scope(.auditRead)]
        case .listAuditOfAll: [.admin, .scope(.auditRead)]

        case .listModels, .listGroups: [.scope(.catalogRead)]
        case .listProviders, .getProvider, .getModel, .listPrices, .getGroup, .listMultipliers, .previewMultiplier:
            [.admin, .scope(.catalogRead)]
        case .listModelsOfProvider: [.scope(.catalogRead), .admin]
        // A test changes nothing, but sends the stored secret out: more than a token that reads may cause.
        case .createProvider, .updateProvider, .deleteProvider, .testProvider, .createModel, .deleteModel, .createPrice,
            .deletePrice, .createGroup, .updateGroup, .createMultiplier, .deleteMultiplier:
            [.scope(.catalogWrite)]

        case .getDeploymentHealth: [.scope(.healthRead)]
        }
    }

    /// Whether it counts in the rate of the account's changes. What only looks does not, nor what is paced by the hash of
    /// a password, nor the test of a provider, which has a rate of its own. What only takes power away never does, so that
    /// an account can always end the token that floods it or the key that leaked. That can't fill the disk: repeated it
    /// writes nothing, and to give the power back is paced.
    var isPaced: Bool {
        switch self {
        case .createAccount, .updateAccount, .updateKeyPolicy, .createGrant, .createAdjustment, .createApplication,
            .updateApplication, .createCredential, .updateCredential, .revealCredential, .rotateCredential,
            .reportLeakToRotate, .createProvider, .updateProvider, .createModel, .createPrice, .createGroup,
            .updateGroup, .createMultiplier, .createInvitation, .createInvitationOfRoot, .updateUserToRoot,
            .createPasswordReset, .createPlatformToken, .beginTotp, .confirmTotp, .createRecoveryCodes:
            true
        case .setUp, .acceptInvitation, .createSession, .acceptPasswordReset, .getSession, .reauthenticate,
            .listSessions, .endSession, .deleteSession, .getCurrentUser, .changePassword, .deleteTotp,
            .listPlatformTokens, .deletePlatformToken, .listUsers, .updateUserToMember, .deleteUser, .listInvitations,
            .deleteInvitation,
            .deleteUserSecondFactor, .listAccounts, .getAccount, .closeAccount, .listApplications, .getApplication,
            .deleteApplication, .deleteApplicationWithKeys, .listCredentials, .getCredential, .deleteCredential,
            .retireCredential, .reportLeakToDisable, .explainCredential, .verifyKey, .getUsage, .getUsageOfAny,
            .listRefusedCalls, .listRefusedCallsOfAny, .listLedger, .listLedgerOfAny, .listAudit, .listAuditOfAll,
            .listProviders, .getProvider, .deleteProvider, .testProvider, .listModels, .listModelsOfProvider, .getModel,
            .deleteModel, .listPrices, .deletePrice, .listGroups, .getGroup, .listMultipliers, .deleteMultiplier,
            .previewMultiplier, .getDeploymentHealth:
            false
        }
    }

    /// - Parameter account: the one that it is about.
    func admit(_ caller: Caller, account: Identifier?, at now: Timestamp) throws(Refusal) -> Actor {
        guard let actor = caller.actor else { throw .unauthenticated(presented: false) }
        for need in needs { try need.check(actor, account: account, at: now) }
        return actor
    }
}
