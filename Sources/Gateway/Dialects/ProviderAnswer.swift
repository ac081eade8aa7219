import HTTP
import JSON
import NIOCore
import Values

/// An answer of a provider's that is no success, as far as it was read.
struct ProviderAnswer {
    let status: Int
    /// At most ``bound`` bytes of it.
    let body: ByteBuffer
    /// The field `Retry-After`, as it came.
    var retryAfter: String?
    var model: ModelRenaming?
    /// Whether the caller's body has a member of this name.
    var isField: (Text) -> Bool

    /// The most that is read of a refusal.
    static let bound = 64 * 1024

    /// `Retry-After` where it is a number of seconds that fits a day. (A date, which RFC 9110 §10.2.3 allows too, would
    /// be one by the provider's clock.)
    var retrySeconds: String? {
        guard let seconds = retryAfter.flatMap({ Int(Text($0).trimmed.string) }), (0...86_400).contains(seconds) else {
            return nil
        }
        return String(seconds)
    }
}

/// What is made of a provider's refusal.
struct Refusal {
    /// What the caller hears.
    let problem: Problem
    /// What the operator's log says, in words of our own.
    let how: String
    let weight: Weight

    enum Weight {
        /// The caller's own affair.
        case none
        /// Something that an operator may want to look at.
        case warning
        /// Every call of every tenant fails until the operator does something.
        case alarm
    }
}
