package import Wire

/// The head of an answer, as far as whoever answers knows it. The line adds what is between it and the caller: `Date`,
/// `Connection`, `Content-Length` or `Transfer-Encoding`.
package struct AnswerHead: Sendable {
    /// 200 to 599.
    package let status: Int
    /// Of the body, in bytes; `nil` while nobody knows it. Of the answer to `HEAD`: what `GET` would have.
    package let length: Int?
    /// With the status line written already.
    package var fields: HeadWriter

    package init(status: Int, length: Int?) {
        self.status = status
        self.length = length
        fields = HeadWriter(answer: status)
    }
}
