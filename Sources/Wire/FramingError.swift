/// Why bytes are not a message that is taken here. Nothing after them on the connection can be trusted: it has to end.
package struct FramingError: Error, Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        /// The start line is not one of HTTP.
        case startLine
        /// The first bytes are those of HTTP/2, or of TLS.
        case otherProtocol
        /// HTTP, but neither 1.0 nor 1.1.
        case version
        /// A well-formed method that is not known here.
        case method
        /// The target has a byte or a shape that it may not have.
        case target
        case targetTooLong
        /// A line feed without a carriage return before it, or the other way round.
        case lineEnd
        /// A field line that is none: a bad name, a blank before the colon, a folded value, a control byte.
        case fieldLine
        /// More bytes or lines than a head may have.
        case headTooLarge
        /// No `Host` in HTTP/1.1, two of them, or one that names no host.
        case host
        /// `Content-Length` is no number, or is there twice.
        case contentLength
        /// `Transfer-Encoding` in HTTP/1.0, twice, or beside `Content-Length`.
        case transferEncoding
        /// A `Transfer-Encoding` other than `chunked`.
        case transferCoding
        /// An `Expect` other than `100-continue`.
        case expectation
        /// A chunk's head or end is wrong.
        case chunk
        /// More bytes of chunk extensions or trailer fields than there may be.
        case trailerTooLarge
        /// The status line of an answer is not one, or its status is not between 100 and 599.
        case statusLine
        /// 101, an interim answer that can't be followed by another, or too many.
        case interimAnswer
        /// The connection ended inside a message.
        case cutShort
    }

    package let reason: Reason

    init(_ reason: Reason) { self.reason = reason }

    /// The status of the answer to a request of this kind.
    package var status: Int {
        switch reason {
        case .targetTooLong: 414
        case .headTooLarge, .trailerTooLarge: 431
        case .method, .transferCoding: 501
        case .version: 505
        case .expectation: 417
        default: 400
        }
    }

    /// For people; says nothing of what was received.
    package var sentence: String {
        switch reason {
        case .startLine: "The first line is not a request line of HTTP/1.1."
        case .otherProtocol: "This port speaks HTTP/1.1 without TLS; HTTP/2 must not be assumed."
        case .version: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
        case .method: "The method is not known here."
        case .target:
            "The address has a character that must be written as % and two hexadecimal digits, or is no address."
        case .targetTooLong: "The address is too long."
        case .lineEnd: "A line does not end with carriage return and line feed."
        case .fieldLine: "A header line is malformed."
        case .headTooLarge: "The request head has too many fields or bytes."
        case .host: "A request needs exactly one Host header."
        case .contentLength: "Content-Length must be one number."
        case .transferEncoding: "Transfer-Encoding can't be used in HTTP/1.0, twice, or beside Content-Length."
        case .transferCoding: "The only Transfer-Encoding that is known here is chunked."
        case .expectation: "The only expectation that is known here is 100-continue."
        case .chunk: "The chunks of the body are malformed."
        case .trailerTooLarge: "The chunk extensions or trailer fields are too long."
        case .statusLine: "The status line is malformed."
        case .interimAnswer: "There are too many interim answers, or one that may not be one."
        case .cutShort: "The connection ended inside a message."
        }
    }
}
