import JSON
import NIOCore
import Values

/// The error in the body of a refusal, in whichever of the usual shapes it comes.
struct ProviderError {
    private(set) var kind = ProviderFault.unknown
    private(set) var message: Text?
    private(set) var param: Text?
    /// Whether the provider names what its moderation flagged, as OpenRouter does with its 403.
    private(set) var isFlagged = false

    /// An empty error for what is no JSON, such as a web page.
    init(_ body: ByteBuffer) {
        guard var value = try? JSON.parse(body.readableBytesView) else { return }
        kind = body.withUnsafeReadableBytes { Self.kind(JSONWalk($0)) }
        // Google wraps its errors in a list.
        if let first = value.array?.first { value = first }
        guard let outer = value.object else { return }
        if let text = outer["error"]?.string {
            message = text
            return
        }
        let error = outer["error"]?.object ?? outer
        message = error["message"]?.string ?? Self.detail(outer["detail"])
        param = error["param"]?.string ?? Self.place(outer["detail"])
        isFlagged = error["metadata"]?.object?["flagged_input"] != nil
        guard kind == .unknown || kind == .badRequest || kind == .rateLimited, let message else { return }
        kind = Self.kind(saidIn: message.lowercased) ?? kind
    }

    private static func kind(_ walk: JSONWalk) -> ProviderFault {
        guard var text = walk.text() else { return .unknown }
        walk.forEachElement(of: text) { element in
            text = element
            return false
        }
        guard let error = walk.member("error", of: text), error.isObject else {
            return ProviderFault(kindIn: text, walk)
        }
        let inner = ProviderFault(kindIn: error, walk)
        guard let deeper = walk.member("innererror", of: error) else { return inner }
        let deepest = ProviderFault(kindIn: deeper, walk)
        return deepest == .unknown ? inner : deepest
    }

    /// What some providers say only in their sentence, under a code that means nothing more than 400 or 429.
    private static func kind(saidIn message: Text) -> ProviderFault? {
        let sayings: [(ProviderFault, [Text])] = [
            (
                .accountEmpty,
                [
                    "credit balance", "current quota", "insufficient balance", "insufficient credit", "billing",
                    "insufficient_quota", "payment", "top up", "recharge", "out of credits", "purchase credits",
                ]
            ),
            (.secretRefused, ["api key", "api_key", "apikey", "unauthorized"]),
            (
                .contextLength,
                [
                    "context length", "context window", "maximum context", "prompt is too long", "context size",
                    "input is too long", "too many tokens", "maximum number of tokens",
                ]
            ),
            (.contentRefused, ["content management policy", "content policy", "safety system", "content filter"]),
        ]
        return sayings.first { $0.1.contains(where: message.contains) }?.0
    }

    /// FastAPI's `detail`: a sentence, or a list of what is wrong where.
    private static func detail(_ detail: JSON?) -> Text? {
        detail?.string ?? detail?.array?.first?.object?["msg"]?.string
    }

    /// FastAPI's place: `["body", "temperature"]`.
    private static func place(_ detail: JSON?) -> Text? {
        guard let steps = detail?.array?.first?.object?["loc"]?.array else { return nil }
        return steps.first { $0 != "body" && $0.string != nil }?.string
    }
}
