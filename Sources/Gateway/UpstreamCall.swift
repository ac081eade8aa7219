import Applications
import Catalog
import Metering
import NIOCore
import Values

/// A call with nothing left to decide.
struct UpstreamCall: Sendable {
    let request: ChatRequest
    /// The upstream's name of the model.
    let model: String
    /// What becomes of that name in the answer.
    let renaming: ModelRenaming?
    let systemMessages: SystemMessages
    /// The app's.
    let prompt: Text?
    private let parameters: ChatParameters
    /// Up to so many bytes the answer is taken in whole before any of it goes out.
    let wholeLimit: Int

    /// - Parameter isKept: whether the answer is kept for a repetition of the call.
    init(_ request: ChatRequest, _ route: ModelRoute, _ chat: ChatSettings, isKept: Bool) {
        self.request = request
        model = route.upstreamName
        renaming = ModelRenaming(route.name, upstreamName: route.upstreamName)
        systemMessages = route.systemMessages
        prompt = chat.systemPrompt
        parameters = chat.parameters
        wholeLimit = isKept ? StoredAnswer.limit : Self.shortAnswer
    }

    static let shortAnswer = 64 * 1024

    /// The model as the caller knows it.
    var publicModel: String { renaming?.publicName ?? model }

    /// Of the operation, behind the provider's base URL.
    var path: String { "/chat/completions" }

    /// The body as the upstream gets it, in parts.
    var body: [ByteBuffer] {
        request.forUpstream(
            model: model, prompt: prompt, parameters: parameters, systemMessages: systemMessages)
    }
}
