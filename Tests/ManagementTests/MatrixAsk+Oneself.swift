import Accounts
import Database
import Management
import TestSupport
import Values

/// One's own sign-ins, proofs and tokens, and what is open to everybody.
extension MatrixAsk {
    static var oneself: [MatrixAsk] {
        [
            MatrixAsk("getCurrentUser", .getCurrentUser) { try await $0.management.getCurrentUser($0.caller) },
            MatrixAsk("getSession", .getSession) { try await $0.management.getSession($0.caller) },
            MatrixAsk("listSessions", .listSessions) { try await $0.management.listSessions($0.caller, Page()) },
            MatrixAsk("endSession", .endSession, ending: .session) {
                try await $0.management.endSession($0.caller, $1)
            },
            MatrixAsk("deleteSession", .deleteSession) { try await $0.management.deleteSession($0.caller) }
                .endingOwnSession(),
            MatrixAsk("reauthenticate", .reauthenticate) {
                try await $0.management.reauthenticate(
                    $0.caller, Proof(password: good(ManagementHouse.password), code: nil))
            },
            // Too short, which is said before the old one is looked at.
            MatrixAsk("changePassword", .changePassword) {
                try await $0.management.changePassword(
                    $0.caller, Proof(password: good(ManagementHouse.password), code: nil), to: good("short"))
            },
            MatrixAsk("beginTotp", .beginTotp) { try await $0.management.beginTotp($0.caller) },
            // A recovery code confirms nothing.
            MatrixAsk("confirmTotp", .confirmTotp) {
                try await $0.management.confirmTotp($0.caller, good("abcd-efgh-jkmn-pqrs"))
            },
            MatrixAsk("deleteTotp", .deleteTotp) { try await $0.management.deleteTotp($0.caller) },
            MatrixAsk("createRecoveryCodes", .createRecoveryCodes) {
                try await $0.management.createRecoveryCodes($0.caller)
            },
        ]
    }

    static var platformTokens: [MatrixAsk] {
        [
            MatrixAsk("createPlatformToken", .createPlatformToken) {
                try await $0.management.createPlatformToken($0.caller, name: good("t"), scopes: [], expiresAt: nil)
            },
            MatrixAsk("createPlatformToken (a root user's scope)", .createPlatformToken) {
                try await $0.management.createPlatformToken(
                    $0.caller, name: good("t"), scopes: [.auditRead], expiresAt: nil)
            },
            MatrixAsk("createPlatformToken (an admin's scope)", .createPlatformToken) {
                try await $0.management.createPlatformToken(
                    $0.caller, name: good("t"), scopes: [.accountsRead], expiresAt: nil)
            },
            MatrixAsk("listPlatformTokens", .listPlatformTokens) {
                try await $0.management.listPlatformTokens($0.caller, Page())
            },
            MatrixAsk("deletePlatformToken", .deletePlatformToken, ending: .platformToken) {
                try await $0.management.deletePlatformToken($0.caller, $1)
            },
        ]
    }

    static var comingIn: [MatrixAsk] {
        [
            MatrixAsk("setUp", .setUp) {
                try await $0.management.setUp(
                    $0.caller, token: good("no token"), email: good("eve@example.com"),
                    password: good(ManagementHouse.password), accountName: nil)
            },
            MatrixAsk("acceptInvitation", .acceptInvitation) {
                try await $0.management.acceptInvitation(
                    $0.caller, token: good("no token"), password: good(ManagementHouse.password))
            },
            MatrixAsk("acceptPasswordReset", .acceptPasswordReset) {
                try await $0.management.acceptPasswordReset(
                    $0.caller, token: good("no token"), password: good(ManagementHouse.password))
            },
            MatrixAsk("createSession", .createSession) {
                try await $0.management.createSession(
                    $0.caller, email: good("eve@example.com"),
                    Proof(password: good(ManagementHouse.password), code: nil))
            },
        ]
    }
}
