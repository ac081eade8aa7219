/// The head of an answer of an upstream, checked.
package struct ResponseHead: Sendable {
    /// 200 to 599; interim answers are passed over.
    package let status: Int
    package let version: HTTPVersion
    package let fields: FieldLines
    package let framing: BodyFraming
    /// Whether another request may be sent on this connection after the end of this answer.
    package let keepsAlive: Bool
}
