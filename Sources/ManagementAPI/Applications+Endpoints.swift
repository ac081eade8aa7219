import Accounts
import Applications
import Catalog
import Credentials
import HTTPTypes
import Hummingbird
import JSON
import Values
import Web

import struct Applications.Application

extension ManagementAPI {
    func declareApplications(_ routes: inout Routes) {
        on(&routes, .get, "/applications", needs: .scope(.applicationsRead), takesQuery: true) { call in
            var query = try call.query()
            let page = try query.page()
            try query.noOthers()
            return try await applications.list(of: call.actor.account, page).json(\.json)
        }

        on(&routes, .post, "/applications", needs: .scope(.applicationsWrite)) { call in
            var fields = try await call.fields()
            let name: DisplayName = try fields.required("name")
            let _: ChatKind = try fields.required("kind")
            let chat = try ChatSettings(
                model: try fields.required("model"),
                allowedModels: try fields.texts("allowed_models", atMost: Self.modelLimit),
                systemPrompt: try fields.optional("system_prompt"),
                parameters: try fields.object("parameters").map { try ChatParameters($0) } ?? .none)
            try fields.noOthers(setByServer: Self.applicationServerFields)
            let application = try await applications.create(
                ApplicationDraft(name: name, chat: chat), in: call.actor.account, by: call.author)
            return .json(application.json, status: .created)
        }

        on(&routes, .get, "/applications/{application_id}", needs: .scope(.applicationsRead)) { call in
            .json(try await applications.find(call.identifier("application_id"), of: call.actor.account).json)
        }

        on(&routes, .patch, "/applications/{application_id}", needs: .scope(.applicationsWrite)) { call in
            let id = try call.identifier("application_id")
            var fields = try await call.fields()
            var edit = ApplicationEdit()
            edit.name = try fields.settable("name")
            edit.model = try fields.settable("model")
            edit.allowedModels = try fields.texts("allowed_models", atMost: Self.modelLimit)
            switch try fields.edit("system_prompt", as: SystemPrompt.self) {
            case .absent: break
            case .clear: edit.systemPrompt = .some(nil)
            case .set(let prompt): edit.systemPrompt = prompt
            }
            edit.parameters = try fields.object("parameters").map { try ChatParameters($0) }
            try fields.noOthers(setByServer: Self.applicationServerFields.union(["kind"]))
            return .json(try await applications.edit(id, of: call.actor.account, edit, by: call.author).json)
        }

        on(&routes, .delete, "/applications/{application_id}", needs: .scope(.applicationsDelete), takesQuery: true) {
            call in
            let id = try call.identifier("application_id")
            var query = try call.query()
            let isConfirmed = try query.flag("delete_credentials")
            try query.noOthers()
            // Deleting the keys is a right of its own: a token that may only delete apps deletes only empty ones.
            if isConfirmed { try authorize(call.actor, .fresh(.credentialsDelete)) }
            try await credentials.deleteApplication(
                id, of: call.actor.account, andCredentials: isConfirmed, by: call.author)
            return Response(status: .noContent)
        }
    }

    private static let modelLimit = 100
    private static let applicationServerFields: Set<String> = ["id", "account_id", "created_at", "updated_at"]
}

/// The one kind of app there is.
private struct ChatKind: FieldText {
    static let rule = "must be chat"

    init?(_ text: String) { if text != "chat" { return nil } }
}

extension Application {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "account_id": .string(account.description), "name": .string(name),
            "kind": "chat", "model": .string(chat.model), "system_prompt": JSON(chat.systemPrompt),
            "allowed_models": .array(chat.allowedModels.map(JSON.string)),
            "parameters": .object(chat.parameters.object),
            "created_at": .string(createdAt.rfc3339), "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}
