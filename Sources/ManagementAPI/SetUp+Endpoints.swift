import Accounts
import Hummingbird
import JSON
import Management
import Values
import Web

extension ManagementAPI {
    func declareSetUp(_ routes: inout Routes) {
        open(&routes, .post, "/setup") { call in
            var fields = try await call.fields()
            let token: GivenText = try fields.required("token")
            let email: EmailAddress = try fields.required("email")
            let password: Password = try fields.required("password")
            let name: DisplayName? = try fields.settable("account_name")
            try fields.noOthers()
            let user = try await management.setUp(
                call.caller, token: token, email: email, password: password, accountName: name)
            return .json(user.json, status: .created)
        }

        open(&routes, .post, "/invitations/accept") { call in
            var fields = try await call.fields()
            let token: GivenText = try fields.required("token")
            let password: Password = try fields.required("password")
            try fields.noOthers()
            let user = try await management.acceptInvitation(call.caller, token: token, password: password)
            return .json(user.json, status: .created)
        }
    }
}
