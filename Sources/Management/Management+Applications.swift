import Accounts
package import Applications
package import Catalog
import Credentials
package import Database
package import Values

package import struct Applications.Application

/// The one kind of app there is.
package enum ApplicationKind: String, FieldText, CaseIterable {
    case chat

    package static let rule = "must be " + allCases.map(\.rawValue).joined(separator: " or ")
    package init?(_ text: String) { self.init(rawValue: text) }
}

/// An app as somebody asks for one.
package struct NewApplication: Sendable {
    /// The most models that an app may name.
    package static let modelLimit = 100

    package var name: DisplayName
    package var kind: ApplicationKind
    package var model: ModelName
    /// `nil` for the app's own model alone.
    package var allowedModels: [ModelName]?
    package var systemPrompt: SystemPrompt?
    package var parameters: ChatParameters

    package init(
        name: DisplayName, kind: ApplicationKind, model: ModelName, allowedModels: [ModelName]?,
        systemPrompt: SystemPrompt?, parameters: ChatParameters
    ) {
        self.name = name
        self.kind = kind
        self.model = model
        self.allowedModels = allowedModels
        self.systemPrompt = systemPrompt
        self.parameters = parameters
    }

    fileprivate func draft() throws -> ApplicationDraft {
        let chat = try ChatSettings(
            model: model, allowedModels: allowedModels, systemPrompt: systemPrompt, parameters: parameters)
        return ApplicationDraft(name: name, chat: chat)
    }
}

extension Management {
    package func listApplications(_ caller: Caller, _ page: Page) async throws(Refusal) -> Listing<Application> {
        try await perform(.listApplications, caller) { domains, actor in
            try await domains.applications.list(of: actor.account, page)
        }
    }

    package func createApplication(
        _ caller: Caller, _ draft: NewApplication
    ) async throws(Refusal) -> Application {
        try await perform(.createApplication, caller) { domains, actor in
            try check(draft.allowedModels)
            return try await domains.applications.create(draft.draft(), in: actor.account, by: caller.author)
        }
    }

    package func getApplication(_ caller: Caller, _ id: Identifier) async throws(Refusal) -> Application {
        try await perform(.getApplication, caller) { domains, actor in
            try await domains.applications.find(id, of: actor.account)
        }
    }

    package func updateApplication(
        _ caller: Caller, _ id: Identifier, _ edit: ApplicationEdit
    ) async throws(Refusal) -> Application {
        try await perform(.updateApplication, caller) { domains, actor in
            try check(edit.allowedModels)
            return try await domains.applications.edit(id, of: actor.account, edit, by: caller.author)
        }
    }

    private func check(_ models: [ModelName]?) throws(Refusal) {
        guard let models, models.count > NewApplication.modelLimit else { return }
        throw .invalid("allowed_models", "must have at most \(NewApplication.modelLimit) elements")
    }

    /// - Parameter withKeys: whether it goes with the keys that it has.
    package func deleteApplication(_ caller: Caller, _ id: Identifier, withKeys: Bool) async throws(Refusal) {
        try await perform(withKeys ? .deleteApplicationWithKeys : .deleteApplication, caller) { domains, actor in
            try await domains.credentials.deleteApplication(
                id, of: actor.account, andCredentials: withKeys, by: caller.author)
        }
    }
}
