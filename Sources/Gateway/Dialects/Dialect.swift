import Applications
import Catalog
import HTTP
import NIOCore
import Policy
import Values

/// The shape in which a program asks and is answered. Each dialect is one folder here, of pure functions over bytes: no
/// connection, no clock, no table. Whoever drives a call asks it five things, in this order:
///
/// 1. ``read(_:)``: what does this body ask for?
/// 2. ``DialectCall/request(to:by:isKept:)``: how is it asked of the upstream?
/// 3. ``look(at:isWhole:)`` and ``stream(renaming:)``: is what comes back an answer? What counts as served is the
///    dialect's to say, and never inherited: there is no default.
/// 4. ``refusal(_:)``: what may the caller hear of an upstream that refused?
/// 5. ``rupture(_:)``: how is it said that an answer broke off in its middle?
///
/// What an upstream sends is as untrusted as what a stranger sends (invariant 12): nothing here trusts a label, a length
/// or a shape, and all that is kept is bounded.
protocol Dialect: Sendable {
    /// - Throws: a problem with the field that breaks a rule.
    func read(_ body: ByteBuffer) throws(Problem) -> any DialectCall

    /// What the body of an answer that is no stream turns out to be.
    /// - Parameter isWhole: whether these are all its bytes; if not, ``Finding/nothing`` asks for more of them.
    func look(at body: ByteBuffer, isWhole: Bool) -> Finding
    /// A whole answer, or the beginning of a long one, with the model's public name; `nil` where nothing changes.
    func renamed(_ body: ByteBuffer, _ model: ModelRenaming?) -> ByteBuffer?
    /// A look at a stream from its first byte.
    func stream(renaming model: ModelRenaming?) -> any StreamLook

    /// What the caller and the operator hear of an answer that is no success.
    func refusal(_ answer: ProviderAnswer) -> Refusal
    /// What ends a stream for a caller who has had a part of it, so that nobody takes the part for the whole.
    func rupture(_ problem: Problem) -> ByteBuffer
}

/// What a body asks for, as far as anybody but its dialect has to know, and how it is asked of an upstream.
protocol DialectCall: Sendable {
    /// As it came.
    var body: ByteBuffer { get }
    /// The model that the caller named.
    var model: Text? { get }
    var isStream: Bool { get }
    /// Whether the body has a member of this name.
    func hasMember(_ name: Text) -> Bool
    /// - Parameter isKept: whether the answer is kept for a repetition of the call.
    func request(to route: ModelRoute, by application: Application, isKept: Bool) -> UpstreamCall
}

/// A look at a stream while it passes: what each piece is, and its bytes as the caller gets them.
protocol StreamLook {
    /// Adds what came. All pieces are to be taken by ``next()`` before more is added.
    mutating func take(_ bytes: ByteBuffer)
    /// The next piece; `nil` when more has to come. After ``Finding/end`` and ``Finding/error(_:)`` nothing comes.
    mutating func next() -> StreamPiece?
    /// The body has ended as its framing promised: what stands there without the blank line that ends an event counts
    /// as one, and is the last to be taken by ``next()``.
    mutating func finish()
    /// What it means that no more comes.
    /// - Parameter isCut: whether the body broke off, as far as its framing tells.
    func end(isCut: Bool) -> StreamEnd
    /// Whether the first content has come.
    var hasContent: Bool { get }
}

struct StreamPiece {
    let finding: Finding
    /// Empty where nothing of it may reach the caller.
    let bytes: ByteBuffer
}

enum StreamEnd: Equatable {
    /// The caller has had all of it.
    case whole
    /// The call was not served, or the caller is to be told that the answer is not whole.
    case broken(AnswerFault)
}

/// Which name of its model an answer has in it, and which one it is to have.
struct ModelRenaming: Equatable, Sendable {
    let publicName: String
    let upstreamName: String

    /// `nil` where both are one: then nothing is looked for.
    init?(_ publicName: String, upstreamName: String) {
        if Text(publicName) == Text(upstreamName) { return nil }
        self.publicName = publicName
        self.upstreamName = upstreamName
    }
}
