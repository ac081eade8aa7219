import Crypto
package import Values

/// What makes a repeated call the same call: the key that the caller chose, and the body it was sent with. Both are kept
/// as digests: what callers put into them is theirs.
package struct IdempotencyKey: Sendable {
    /// How long a call is remembered.
    package static let lifetime: Duration = .seconds(86_400)
    /// How much is kept for one API key at a time, in bytes as sealed. A call beyond it is served and charged as any other,
    /// but can't be replayed.
    static let kept: Int64 = 64 << 20

    /// Whether a call that was made then is still remembered. One of a clock that was more than a day ahead is not, as
    /// it would be for longer than anybody expects.
    static func isRemembered(_ made: Timestamp, at now: Timestamp) -> Bool {
        now.adding(.zero - lifetime) < made && made < now.adding(lifetime)
    }

    let keyDigest: String
    let bodyDigest: String

    /// - Parameters:
    ///   - text: as the caller wrote it.
    ///   - body: what was asked for, in a form that is the same whenever the same was asked.
    package init(_ text: String, body: [UInt8]) {
        keyDigest = Self.digest(Array(text.utf8))
        bodyDigest = Self.digest(body)
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).reduce(into: "") { text, byte in
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
    }
}

/// Why a repeated call gets no answer.
package enum IdempotencyRefusal: Error, Sendable, Equatable {
    /// The first one has not been answered yet.
    case inFlight
    /// The key was used for another call.
    case otherBody
    /// The first one was served and charged, but its answer was not kept: a stream, or more than may be.
    case notReplayable(charge: Identifier)
}

/// An answer kept for a repetition of its call. What is in it is the gateway's to know.
package struct StoredAnswer: Sendable {
    /// The largest answer that is kept, in bytes of its body.
    package static let limit = 1 << 20

    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// Binds a sealed answer to its call.
    static func context(_ charge: Identifier) -> String { "answer:\(charge)" }
}
