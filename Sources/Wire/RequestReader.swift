package import NIOCore

/// HTTP/1.1 as bytes, in both directions, and nothing else.
///
/// This floor turns what a connection received into heads, body parts and ends, and heads into bytes. It knows no channel,
/// no route and no deadline; whoever owns the connection feeds it, and closes the connection when it throws. It makes no
/// text and copies nothing: a head is places in its bytes, a part of a body is a slice of what was received.
///
/// It takes only what RFC 9112 lets nobody read in two ways, because there is a proxy before most deployments, and where
/// two readers of one connection disagree about an end, one caller's bytes become the head of another's request. So: lines
/// end with CR LF; no folded values; one `Content-Length` of digits, or `Transfer-Encoding: chunked`, never both. What is
/// taken here swift-nio's decoder takes as well, and reads the same; the tests hold both against each other.
///
/// A reader reads all messages of one connection, in order.
///
///     var reader = RequestReader()
///     received.writeBuffer(&bytes)
///     while let event = try reader.next(from: &received) {
///         switch event {
///         case .head(let head): …
///         case .body(let bytes): …
///         case .end: …
///         }
///     }
package struct RequestReader: Sendable {
    private enum Phase {
        case head
        case body
        case over
        case failed(FramingError)
    }

    private let bounds: HeadBounds
    private var phase = Phase.head
    private var scan: HeadScan
    private var line: RequestLine?
    private var hasSkippedLine = false
    private var body = BodyScan(.none)
    private var keepsAlive = true

    package init(_ bounds: HeadBounds = HeadBounds()) {
        self.bounds = bounds
        scan = Self.scan(bounds)
    }

    /// Takes the next event off the front of the bytes, and only its bytes.
    ///
    /// Between calls, more bytes may be added at the end; none may be taken from the front.
    /// - Returns: `nil` when more bytes are needed, or when the last message said that no other follows (``isOver``).
    /// - Throws: and throws the same again at each later call. What well-formed events came before was returned before.
    package mutating func next(from bytes: inout ByteBuffer) throws(FramingError) -> RequestEvent? {
        do throws(FramingError) {
            switch phase {
            case .head: return try nextHead(from: &bytes).map { .head($0) }
            case .body: return try nextPart(from: &bytes)
            case .over: return nil
            case .failed(let error): throw error
            }
        } catch {
            phase = .failed(error)
            throw error
        }
    }

    /// Whether a head was returned whose `end` was not. False while only a part of a head is here.
    package var isInsideMessage: Bool {
        if case .body = phase { true } else { false }
    }

    /// Whether the last message has ended that may come on this connection: what follows is nobody's and is not looked at.
    package var isOver: Bool {
        if case .over = phase { true } else { false }
    }

    private mutating func nextHead(from bytes: inout ByteBuffer) throws(FramingError) -> RequestHead? {
        guard try skipEmptyLine(in: &bytes), try isHeadWhole(bytes), let line else { return nil }
        let facts = scan.facts
        let framing = try framing(line, facts)
        guard let head = bytes.readSlice(length: scan.count) else { return nil }
        let fields = FieldLines(head: head, lines: scan.lines)
        keepsAlive = facts.keepsAlive(line.version)
        body = BodyScan(framing)
        phase = .body
        scan = Self.scan(bounds)
        self.line = nil
        hasSkippedLine = false
        return RequestHead(
            method: line.method, version: line.version, fields: fields, framing: framing, keepsAlive: keepsAlive,
            expectsContinue: facts.expectsContinue && line.version == .http11 && !framing.isEmpty,
            targetPlace: line.target, pathPlace: line.path, queryPlace: line.query,
            hostPlace: line.authority ?? facts.host)
    }

    private mutating func isHeadWhole(_ bytes: ByteBuffer) throws(FramingError) -> Bool {
        try bytes.withBytes { bytes throws(FramingError) in
            if line == nil { _ = try RequestLine.method(bytes) }
            while true {
                switch try scan.advance(in: bytes, bounds) {
                case .startLine(let place): line = try RequestLine(bytes.part(place), bounds)
                case .end: return true
                case nil: return false
                }
            }
        }
    }

    /// RFC 9112 §2.2: a client may have sent one more line end after a body.
    /// - Returns: whether the bytes now begin with a head.
    private mutating func skipEmptyLine(in bytes: inout ByteBuffer) throws(FramingError) -> Bool {
        guard !hasSkippedLine, line == nil, bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == 0x0D else {
            return bytes.readableBytes > 0
        }
        guard bytes.readableBytes > 1 else { return false }
        guard bytes.getInteger(at: bytes.readerIndex + 1, as: UInt8.self) == 0x0A else {
            throw FramingError(.startLine)
        }
        bytes.moveReaderIndex(forwardBy: 2)
        hasSkippedLine = true
        return bytes.readableBytes > 0
    }

    private func framing(_ line: RequestLine, _ facts: HeadFacts) throws(FramingError) -> BodyFraming {
        try facts.checkFraming(line.version)
        try facts.checkHost(line.version)
        if facts.hasOtherExpectation, line.version == .http11 { throw FramingError(.expectation) }
        if facts.isChunked { return .chunked }
        return facts.contentLength.map { .length($0) } ?? .none
    }

    private mutating func nextPart(from bytes: inout ByteBuffer) throws(FramingError) -> RequestEvent? {
        switch try body.next(from: &bytes) {
        case .bytes(let part): return .body(part)
        case .end:
            phase = keepsAlive ? .head : .over
            return .end
        case nil: return nil
        }
    }

    /// The method and the version of a request line have at most 32 bytes with the blanks between them; the rest is target.
    private static func scan(_ bounds: HeadBounds) -> HeadScan {
        HeadScan(HeadScan.StartLine(most: bounds.targetBytes + 32, tooLong: .targetTooLong))
    }
}

/// What ``RequestReader`` finds, in this order: a head, parts of its body (perhaps none, never empty), its end.
package enum RequestEvent: Sendable {
    case head(RequestHead)
    case body(ByteBuffer)
    case end
}
