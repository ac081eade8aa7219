import Accounts
import ArgumentParser
import Audit
import Foundation
import Values

struct Admin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Operate on a data directory without a server.", subcommands: [Create.self, Recover.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an admin: a new account and its root user, with the admin flag.",
            discussion:
                "The password is read from standard input, one line. So it is in no process list and no shell history.")

        @OptionGroup var common: CommonOptions

        @Option(help: "The e-mail address to sign in with.")
        var email: String

        @Option(help: "The name of the new account.")
        var account: String = "Operators"

        @Flag(help: "Read the password from standard input. Required: there is no other way to give it.")
        var passwordStdin = false

        func validate() throws {
            guard passwordStdin else {
                throw ValidationError("Add --password-stdin and send the password on standard input.")
            }
        }

        func run() async throws {
            try await reportingFailures {
                guard let address = EmailAddress(email) else { try stop("--email \(EmailAddress.rule).", .failure) }
                guard let name = DisplayName(account) else { try stop("--account \(DisplayName.rule).", .failure) }
                guard let line = readLine(strippingNewline: true), let password = Password(line) else {
                    try stop("The password on standard input \(Password.rule).", .failure)
                }
                let settings = try await common.read()
                let deployment = try await Deployment.open(settings)
                do {
                    let user = try await deployment.accounts.createAdmin(
                        email: address, password: password, accountName: name, onlyFirst: false,
                        by: deployment.audit.author(actor: nil, address: ""))
                    print("Created the admin \(user.email) with the account \(user.account).")
                } catch AccountsError.weakPassword(let rule) {
                    try stop("The password \(rule).", .failure)
                } catch AccountsError.emailTaken {
                    try stop("There is a user with this e-mail address already.", .failure)
                }
                try await deployment.close()
            }
        }
    }
}
