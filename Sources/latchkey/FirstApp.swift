import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Metering
import Policy
import Secrets
import Values

/// What a newcomer begins with: an admin, an app, a key for it, and credits.
///
/// Made by the same use cases as everything else, with the same rules and the same entries in the audit record.
struct FirstApp: Sendable {
    static let name = "Cat"
    static let credits = Credits(micro: 1_000_000_000)

    /// Why there is none.
    struct Failure: Error {
        let sentence: String
    }

    let email: String
    /// For the operator's terminal alone, as the key is.
    let password: String
    let key: String

    /// - Precondition: the data is new.
    static func make(on deployment: Deployment, email: EmailAddress) async throws -> FirstApp {
        // 80 bits, in characters that are easily typed.
        let secret = RecoveryCode.mint(.system).exposed()
        guard let password = Password(secret), let name = DisplayName(name), let operators = DisplayName("Operators"),
            let model = ModelName("echo"), let prompt = SystemPrompt("You are a cat."),
            let keyName = OptionalName("quickstart")
        else { preconditionFailure("the first names break their own rules") }
        let author = deployment.audit.author(actor: nil, address: "")
        let admin: User
        do {
            admin = try await deployment.accounts.createAdmin(
                email: email, password: password, accountName: operators, onlyFirst: true, by: author)
        } catch AccountsError.alreadySetUp {
            throw Failure(sentence: "There is a user in this data directory already; nothing was changed.")
        }
        let app = try await deployment.applications.create(
            ApplicationDraft(
                name: name,
                chat: try ChatSettings(model: model, allowedModels: nil, systemPrompt: prompt, parameters: .none)),
            in: admin.account, by: author)
        let (_, key) = try await deployment.credentials.issue(
            CredentialDraft(application: app.id, name: keyName, terms: KeyTerms()), by: admin, author)
        _ = try await deployment.metering.grant(credits, to: admin.account, reason: keyName, by: author)
        return FirstApp(email: admin.email, password: secret, key: key.exposed())
    }

    /// The first call, as one types it.
    func call(at address: String) -> String {
        """
        curl \(address)/v1/chat/completions --header "Authorization: Bearer \(key)" \
        --json '{"messages": [{"role": "user", "content": "Hello"}]}'
        """
    }
}
