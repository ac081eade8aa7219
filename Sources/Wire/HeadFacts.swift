/// What the fields of a head say about where its message ends and what happens to its connection.
struct HeadFacts: Sendable {
    private(set) var host: Place?
    private var hosts = 0
    private var areHostsGood = true
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var expectsContinue = false
    private(set) var hasOtherExpectation = false

    /// Takes note of a line, if it is one of these.
    mutating func note(_ line: FieldLines.Line, in head: UnsafeRawBufferPointer) throws(FramingError) {
        switch line.name.count {
        case 4:
            guard line.isNamed("host", in: head) else { return }
            hosts += 1
            host = line.value
            areHostsGood = areHostsGood && HostValue.isOne(head.part(line.value))
        case 6:
            guard line.isNamed("expect", in: head) else { return }
            noteExpectation(head.part(line.value))
        case 10:
            if line.isNamed("connection", in: head) { noteConnection(head.part(line.value)) }
        case 14:
            guard line.isNamed("content-length", in: head) else { return }
            guard contentLength == nil, let length = Self.number(head.part(line.value)),
                !line.hasTabBehind(in: head)
            else { throw FramingError(.contentLength) }
            contentLength = length
        case 16:
            // No field of any RFC, but other readers of the same bytes heed it.
            if line.isNamed("proxy-connection", in: head) { noteConnection(head.part(line.value)) }
        case 17:
            guard line.isNamed("transfer-encoding", in: head) else { return }
            guard !isChunked else { throw FramingError(.transferEncoding) }
            let value = head.part(line.value)
            guard value.count == 7, value.isLowercased("chunked"), !line.hasTabBehind(in: head) else {
                throw FramingError(.transferCoding)
            }
            isChunked = true
        default: return
        }
    }

    /// Whether any line was one of these, which has no place among trailer fields (RFC 9110 §6.5.1).
    var hasAny: Bool {
        hosts > 0 || contentLength != nil || isChunked || saysClose || saysKeepAlive || expectsContinue
            || hasOtherExpectation
    }

    /// RFC 9112 §6.1, §6.3: both would be read in two ways, and HTTP/1.0 knows no chunks.
    func checkFraming(_ version: HTTPVersion) throws(FramingError) {
        if isChunked, contentLength != nil || version == .http10 { throw FramingError(.transferEncoding) }
    }

    /// RFC 9112 §3.2: exactly one, and one that names a host; HTTP/1.0 had none.
    func checkHost(_ version: HTTPVersion) throws(FramingError) {
        guard hosts == 1 || hosts == 0 && version == .http10, areHostsGood else { throw FramingError(.host) }
    }

    func keepsAlive(_ version: HTTPVersion) -> Bool { !saysClose && (version == .http11 || saysKeepAlive) }

    /// Other options, `Upgrade` and `HTTP2-Settings` among them, are offers that are not taken.
    private mutating func noteConnection(_ value: UnsafeRawBufferPointer) {
        value.forEachElement { option in
            if option.count == 5, option.isLowercased("close") { saysClose = true }
            if option.count == 10, option.isLowercased("keep-alive") { saysKeepAlive = true }
        }
    }

    private mutating func noteExpectation(_ value: UnsafeRawBufferPointer) {
        value.forEachElement { expectation in
            if expectation.count == 12, expectation.isLowercased("100-continue") {
                expectsContinue = true
            } else {
                hasOtherExpectation = true
            }
        }
    }

    /// Digits only, and few enough for an `Int`.
    private static func number(_ value: UnsafeRawBufferPointer) -> Int? {
        guard (1...18).contains(value.count) else { return nil }
        var number = 0
        for byte in value {
            guard ByteClass.isDigit(byte) else { return nil }
            number = number * 10 + Int(byte &- 0x30)
        }
        return number
    }
}

extension FieldLines.Line {
    /// Whether a tab is among the blanks behind the value, which some readers take for a part of it.
    fileprivate func hasTabBehind(in head: UnsafeRawBufferPointer) -> Bool {
        var place = value.range.upperBound
        while head[place] != 0x0D {
            if head[place] == 0x09 { return true }
            place += 1
        }
        return false
    }
}
