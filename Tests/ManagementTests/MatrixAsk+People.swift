import Accounts
import Database
import Management
import Metering
import Policy
import TestSupport
import Values

/// Accounts and who is in them. There is one root user here, who can't be made a member.
extension MatrixAsk {
    static var tenants: [MatrixAsk] {
        [
            MatrixAsk("createAccount", .createAccount) {
                try await $0.management.createAccount(
                    $0.caller, AccountDraft(name: good("Another"), cap: .standard))
            },
            MatrixAsk("listAccounts", .listAccounts) { try await $0.management.listAccounts($0.caller, Page()) },
            MatrixAsk("getAccount", .getAccount) {
                try await $0.management.getAccount($0.caller, $0.objects.account)
            },
            MatrixAsk("updateAccount", .updateAccount) {
                try await $0.management.updateAccount($0.caller, $0.objects.account, AccountEdit())
            },
            // It has people, and nobody says that they may go.
            MatrixAsk("closeAccount", .closeAccount) {
                try await $0.management.closeAccount($0.caller, $0.objects.account, isConfirmed: false)
            },
            MatrixAsk("updateKeyPolicy", .updateKeyPolicy) {
                try await $0.management.updateKeyPolicy(
                    $0.caller, $0.objects.account, KeyPolicyEdit(allowsRevealableKeys: true))
            },
            MatrixAsk("createGrant", .createGrant) {
                try await $0.management.createGrant(
                    $0.caller, to: $0.objects.account, Credits(micro: 1), reason: nil)
            },
            MatrixAsk("createAdjustment", .createAdjustment) {
                try await $0.management.createAdjustment(
                    $0.caller, of: $0.objects.account, by: Credits(micro: 1), reason: good("a correction"))
            },
        ]
    }

    static var people: [MatrixAsk] {
        [
            MatrixAsk("listUsers", .listUsers) {
                try await $0.management.listUsers($0.caller, of: $0.objects.account, Page())
            },
            MatrixAsk("updateUser (to member)", .updateUserToMember) {
                try await $0.management.updateUser(
                    $0.caller, $0.objects.user, of: $0.objects.account, role: .member)
            },
            MatrixAsk("updateUser (to root)", .updateUserToRoot, ending: .user) {
                _ = try await $0.management.updateUser($0.caller, $1, of: $0.objects.account, role: .root)
                // There is one root user again for the rows that need that.
                try await $0.management.deleteUser($0.caller, $1, of: $0.objects.account)
            },
            MatrixAsk("deleteUser", .deleteUser, ending: .user) {
                try await $0.management.deleteUser($0.caller, $1, of: $0.objects.account)
            },
            MatrixAsk("listInvitations", .listInvitations) {
                try await $0.management.listInvitations($0.caller, to: $0.objects.account, Page())
            },
            MatrixAsk("createInvitation", .createInvitation) {
                try await $0.management.createInvitation(
                    $0.caller, to: $0.objects.account, good("guest@here.example"), as: .member)
            },
            MatrixAsk("createInvitation (of a root user)", .createInvitationOfRoot) {
                try await $0.management.createInvitation(
                    $0.caller, to: $0.objects.account, good("guest@here.example"), as: .root)
            },
            MatrixAsk("deleteInvitation", .deleteInvitation, ending: .invitation) {
                try await $0.management.deleteInvitation($0.caller, $1, to: $0.objects.account)
            },
            MatrixAsk("createPasswordReset", .createPasswordReset) {
                try await $0.management.createPasswordReset(
                    $0.caller, of: $0.objects.user, in: $0.objects.account)
            },
            MatrixAsk("deleteUserSecondFactor", .deleteUserSecondFactor) {
                try await $0.management.deleteUserSecondFactor(
                    $0.caller, of: $0.objects.user, in: $0.objects.account)
            },
        ]
    }
}
