import Accounts
import ArgumentParser
import Audit
import Secrets
import Values

extension Admin {
    struct Recover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a one-time password reset for an admin who can't sign in any more.",
            discussion: """
                For the case that no other admin is there to do it (POST \
                /api/v1/accounts/{account_id}/users/{user_id}/password-resets). It works on the data directory itself, \
                so the server must be stopped: one process owns the data at a time. It prints a token that sets a new \
                password once, within \(PasswordReset.lifetime.components.seconds / 60) minutes, and how to use it. The \
                old password works until then.

                The reset is in the audit record. With the old password go the sessions and platform tokens of the \
                user, and the copies of keys that only that password could open.
                """)

        @OptionGroup var common: CommonOptions

        @Option(help: "The e-mail address of the admin.")
        var email: String

        @Flag(help: "Take the second factor away too, for who has lost it and has no recovery code left.")
        var removeSecondFactor = false

        func run() async throws {
            try await reportingFailures {
                guard let address = EmailAddress(email) else { try stop("--email \(EmailAddress.rule).", .failure) }
                let settings = try await common.read()
                forbidCoreFiles()
                try Deployment.requireDatabase(in: settings.folder)
                let deployment = try await Deployment.open(settings)
                do {
                    let recovery = try await deployment.accounts.recover(
                        address, removingSecondFactor: removeSecondFactor,
                        by: deployment.audit.author(actor: nil, address: ""))
                    announce(told(recovery, settings))
                } catch let error as AccountsError {
                    try await deployment.close()
                    try stop(sentence(error), .failure)
                }
                try await deployment.close()
            }
        }

        private func told(_ recovery: Accounts.Recovery, _ settings: Settings) -> String {
            """
            The password reset for \(email) works once, until \(recovery.reset.expiresAt.rfc3339):

              \(recovery.token.exposed())

            Start the server. Then run this, type the line below with a new password of at least \
            \(Password.minimumLength) characters in place of the dots, and end with Ctrl-D:

              curl --fail-with-body \(settings.localAddress)/api/v1/password-resets/accept --json @-

              {"token": "\(recovery.token.exposed())", "password": "..."}

            \(secondFactor(recovery))
            """
        }

        private func secondFactor(_ recovery: Accounts.Recovery) -> String {
            if removeSecondFactor { return "The second factor is gone: the password alone signs in." }
            return recovery.needsSecondFactor
                ? "The second factor stays: signing in takes a code of it, or a recovery code. Who has neither runs this "
                    + "command again with --remove-second-factor."
                : "No second factor is set: the password alone signs in."
        }

        private func sentence(_ error: AccountsError) -> String {
            switch error {
            case .notFound: "There is no user with the e-mail address \(email); nothing was changed."
            case .adminOnly:
                "The user \(email) is no admin; nothing was changed. An admin can reset their password with POST "
                    + "/api/v1/accounts/{account_id}/users/{user_id}/password-resets."
            case .noSecondFactor:
                "The user \(email) has no second factor; nothing was changed. Leave --remove-second-factor out."
            default: "The reset could not be made: \(error)."
            }
        }
    }
}
