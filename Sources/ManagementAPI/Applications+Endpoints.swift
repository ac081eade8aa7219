import Applications
import HTTP
import Hummingbird
import JSON
import Management
import Values
import Web

import struct Applications.Application

extension ManagementAPI {
    func declareApplications(_ routes: inout Routes) {
        on(&routes, .get, "/applications", for: .listApplications, takesQuery: true) { call in
            try await management.listApplications(call.caller, try call.page()).json(\.json)
        }

        on(&routes, .post, "/applications", for: .createApplication) { call in
            var fields = try await call.fields()
            let draft = NewApplication(
                name: try fields.required("name"), kind: try fields.required("kind"),
                model: try fields.required("model"),
                allowedModels: try fields.texts("allowed_models", atMost: NewApplication.modelLimit),
                systemPrompt: try fields.optional("system_prompt"),
                parameters: try fields.object("parameters").map { try ChatParameters($0) } ?? .none)
            try fields.noOthers(setByServer: Self.applicationServerFields)
            let application = try await management.createApplication(call.caller, draft)
            return .json(application.json, status: .created)
        }

        on(&routes, .get, "/applications/{application_id}", for: .getApplication) { call in
            .json(try await management.getApplication(call.caller, call.identifier("application_id")).json)
        }

        on(&routes, .patch, "/applications/{application_id}", for: .updateApplication) { call in
            let id = try call.identifier("application_id")
            var fields = try await call.fields()
            var edit = ApplicationEdit()
            edit.name = try fields.settable("name")
            edit.model = try fields.settable("model")
            edit.allowedModels = try fields.texts("allowed_models", atMost: NewApplication.modelLimit)
            edit.systemPrompt = try fields.edit("system_prompt", as: SystemPrompt.self).optional
            edit.parameters = try fields.object("parameters").map { try ChatParameters($0) }
            try fields.noOthers(setByServer: Self.applicationServerFields.union(["kind"]))
            return .json(try await management.updateApplication(call.caller, id, edit).json)
        }

        on(&routes, .delete, "/applications/{application_id}", for: .deleteApplication, takesQuery: true) { call in
            let id = try call.identifier("application_id")
            var query = try call.query()
            let withKeys = try query.flag("delete_credentials")
            try query.noOthers()
            try await management.deleteApplication(call.caller, id, withKeys: withKeys)
            return Response(status: .noContent)
        }
    }

    private static let applicationServerFields: Set<String> = ["id", "account_id", "created_at", "updated_at"]
}

extension Application {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "account_id": .string(account.description), "name": .string(name),
            "kind": .string(ApplicationKind.chat.rawValue), "model": .string(chat.model),
            "system_prompt": JSON(chat.systemPrompt),
            "allowed_models": .array(chat.allowedModels.map(JSON.string)),
            "parameters": .object(chat.parameters.object),
            "created_at": .string(createdAt.rfc3339), "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}
