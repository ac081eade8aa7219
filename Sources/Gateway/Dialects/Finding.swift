/// What a dialect sees in a piece of an answer (design §7, "Served means").
enum Finding: Equatable, Sendable {
    /// Not enough to tell, or nothing that anybody would pay for: who speaks, empty texts, empty lists.
    case nothing
    /// Not even that: something to keep the connection open.
    case keepAlive
    /// From here on the call is served.
    case content
    /// The numbers of a call, and no content.
    case usage
    /// What ends a stream for its reader. Nothing of it may go out before the charge is durable.
    case end
    /// It is no answer, or no longer one.
    case error(AnswerFault)
}

/// Why something is no answer: what the operator's log says. Words of our own, never the provider's.
enum AnswerFault: Equatable, Sendable {
    /// Whatever its status says, it tells of an error; the kind where it is one that is known.
    case told(ProviderFault)
    case empty
    case page
    case halfJSON
    case noJSON
    case noChoices
    /// So many bytes, and none of them content.
    case undecided(bytes: Int)
    case streamWithoutContent
    /// A stream that just ended, without the event that ends it.
    case streamWithoutEnd

    var how: String {
        switch self {
        case .told(let fault): "an error in place of an answer: \(fault.rawValue)"
        case .empty: "an answer without a byte"
        case .page: "a web page in place of an answer: is the base URL right?"
        case .halfJSON: "an answer that is cut in the middle"
        case .noJSON: "an answer that is not JSON"
        case .noChoices: "an answer without a choice that has content"
        case .undecided(let bytes): "no content in the first \(bytes) bytes of an answer"
        case .streamWithoutContent: "a stream without content"
        case .streamWithoutEnd: "a stream that stopped without its end"
        }
    }
}
