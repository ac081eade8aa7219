import Applications
import Catalog
import HTTP
import JSON
import NIOCore
import Policy
import Values

/// OpenAI's chat completions: `POST /v1/chat/completions`.
struct OpenAIChat: Dialect {
    func read(_ body: ByteBuffer) throws(Problem) -> any DialectCall { try ChatRequest(body) }

    func look(at body: ByteBuffer, isWhole: Bool) -> Finding { ChatLook.look(at: body, isWhole: isWhole) }

    func renamed(_ body: ByteBuffer, _ model: ModelRenaming?) -> ByteBuffer? {
        guard let model, let place = body.withUnsafeReadableBytes({ ChatLook($0).model() }) else { return nil }
        return body.replacing(place, with: model)
    }

    func stream(renaming model: ModelRenaming?) -> any StreamLook { ChatStream(renaming: model) }

    func refusal(_ answer: ProviderAnswer) -> Refusal { ChatRefusal(answer).refusal }

    /// One event, and no `[DONE]`: OpenAI's library raises at the first, and takes the second for the end of a whole
    /// answer. The blank line before it ends an event that the upstream left unfinished.
    func rupture(_ problem: Problem) -> ByteBuffer {
        ByteBuffer(string: "\n\ndata: \(JSON.object(["error": OpenAIDialect.error(problem)]).text)\n\n")
    }
}
