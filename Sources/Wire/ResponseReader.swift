package import NIOCore

/// Reads one answer of an upstream; each request on a connection gets a reader of its own.
///
/// What upstreams send is as untrusted as what strangers send, so this is as strict as ``RequestReader``.
package struct ResponseReader: Sendable {
    private enum Phase {
        case head
        case body
        case over
        case failed(FramingError)
    }

    /// How many interim answers are passed over before an upstream is taken to have gone astray.
    private static let interimAnswers = 8

    private let bounds: HeadBounds
    private let method: RequestMethod
    private var phase = Phase.head
    private var scan = HeadScan(Self.startLine)
    private var line: StatusLine?
    private var interims = 0
    private var body = BodyScan(.none)

    /// - Parameter method: that of the request: an answer to `HEAD` has no body, whatever it says.
    package init(to method: RequestMethod, _ bounds: HeadBounds = HeadBounds()) {
        self.method = method
        self.bounds = bounds
    }

    /// Takes the next event off the front of the bytes, and only its bytes. Interim answers (100, 102 …) are passed over.
    ///
    /// Between calls, more bytes may be added at the end; none may be taken from the front.
    /// - Returns: `nil` when more bytes are needed, or after `end`. Bytes that are left after `end` are nobody's: such a
    ///   connection must not be used again.
    /// - Throws: and throws the same again at each later call.
    package mutating func next(from bytes: inout ByteBuffer) throws(FramingError) -> ResponseEvent? {
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

    /// The upstream sends nothing more. To be called when `next` has returned `nil` for all that was received.
    /// - Returns: `end` for an answer whose end is the end of the connection; `nil` if the end was returned before.
    /// - Throws: `cutShort` when the answer isn't whole.
    package mutating func endOfInput() throws(FramingError) -> ResponseEvent? {
        switch phase {
        case .over: return nil
        case .failed(let error): throw error
        case .body where body.mayEndHere:
            phase = .over
            return .end
        case .head, .body:
            phase = .failed(FramingError(.cutShort))
            throw FramingError(.cutShort)
        }
    }

    /// Whether the end of the answer was returned.
    package var isOver: Bool {
        if case .over = phase { true } else { false }
    }

    private mutating func nextHead(from bytes: inout ByteBuffer) throws(FramingError) -> ResponseHead? {
        while bytes.readableBytes > 0 {
            guard try isHeadWhole(bytes), let line, let head = bytes.readSlice(length: scan.count) else { return nil }
            let (facts, lines) = (scan.facts, scan.lines)
            try facts.checkFraming(line.version)
            scan = HeadScan(Self.startLine)
            self.line = nil
            if line.status < 200 {
                try passOver(line, facts)
                continue
            }
            let framing = framing(line, facts)
            body = BodyScan(framing)
            phase = .body
            return ResponseHead(
                status: line.status, version: line.version, fields: FieldLines(head: head, lines: lines),
                framing: framing, keepsAlive: keepsAlive(line, facts, framing))
        }
        return nil
    }

    private mutating func isHeadWhole(_ bytes: ByteBuffer) throws(FramingError) -> Bool {
        try bytes.withBytes { bytes throws(FramingError) in
            if line == nil { try StatusLine.checkBeginning(bytes) }
            while true {
                switch try scan.advance(in: bytes, bounds) {
                case .startLine(let place): line = try StatusLine(bytes.part(place))
                case .end: return true
                case nil: return false
                }
            }
        }
    }

    /// RFC 9110 §15.2: an interim answer is followed by another, so it can't end its connection, and it says nothing of a
    /// body (§8.6). 101 was never asked for.
    private mutating func passOver(_ line: StatusLine, _ facts: HeadFacts) throws(FramingError) {
        interims += 1
        guard line.status != 101, interims <= Self.interimAnswers, facts.keepsAlive(line.version),
            facts.contentLength == nil, !facts.isChunked
        else { throw FramingError(.interimAnswer) }
    }

    /// RFC 9112 §6.3.
    private func framing(_ line: StatusLine, _ facts: HeadFacts) -> BodyFraming {
        if method == .head || line.status == 204 || line.status == 304 { return .none }
        if facts.isChunked { return .chunked }
        return facts.contentLength.map { .length($0) } ?? .untilClose
    }

    /// A 204 that says it has a body may well send one, which would be taken for the next answer.
    private func keepsAlive(_ line: StatusLine, _ facts: HeadFacts, _ framing: BodyFraming) -> Bool {
        let hasStrayBody = line.status == 204 && (facts.isChunked || facts.contentLength ?? 0 > 0)
        return facts.keepsAlive(line.version) && framing != .untilClose && !hasStrayBody
    }

    private mutating func nextPart(from bytes: inout ByteBuffer) throws(FramingError) -> ResponseEvent? {
        switch try body.next(from: &bytes) {
        case .bytes(let part): return .body(part)
        case .end:
            phase = .over
            return .end
        case nil: return nil
        }
    }

    private static let startLine = HeadScan.StartLine(most: StatusLine.most, tooLong: .statusLine)
}

/// What ``ResponseReader`` finds, in this order: a head, parts of its body (perhaps none, never empty), its end.
package enum ResponseEvent: Sendable {
    case head(ResponseHead)
    case body(ByteBuffer)
    case end
}
