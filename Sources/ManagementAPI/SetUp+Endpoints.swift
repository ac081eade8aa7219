import Accounts
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Values
import Web

/// A token in a field, not looked into yet.
struct TokenField: FieldText {
    static let rule = "must be a string of 1 to 512 characters"
    let text: String

    init?(_ text: String) {
        guard (1...512).contains(text.utf8.count) else { return nil }
        self.text = text
    }
}

extension ManagementAPI {
    func declareSetUp(_ routes: inout Routes) {
        open(&routes, .post, "/setup") { request, context in
            var fields = FieldReader(try await request.jsonObject(limit: Self.openBodyLimit))
            let token: TokenField = try fields.required("token")
            let email: EmailAddress = try fields.required("email")
            let password: Password = try fields.required("password")
            let name: DisplayName? = try fields.settable("account_name")
            try fields.noOthers()
            guard let firstRun else { throw AccountsError.alreadySetUp }
            let standardName = DisplayName("Operators")
            guard let accountName = name ?? standardName else { throw Problem.internalError }
            let user = try await firstRun.setUp(
                token: token.text, email: email, password: password, accountName: accountName, by: author(of: context))
            guard let user else {
                throw Problem(
                    .forbidden, "setup_token_invalid",
                    "The set-up token is wrong. The server prints a new one at each start until the first admin exists."
                )
            }
            return .json(user.json, status: .created)
        }

        open(&routes, .post, "/invitations/accept") { request, context in
            var fields = FieldReader(try await request.jsonObject(limit: Self.openBodyLimit))
            let token: TokenField = try fields.required("token")
            let password: Password = try fields.required("password")
            try fields.noOthers()
            let user = try await accounts.accept(
                invitation: token.text, password: password, by: author(of: context))
            return .json(user.json, status: .created)
        }
    }
}
