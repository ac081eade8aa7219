import Glibc

/// The first line of a request (RFC 9112 §3): method, target and version with one blank between them.
struct RequestLine: Sendable {
    let method: RequestMethod
    let version: HTTPVersion
    let target: Place
    let path: Place
    let query: Place?
    /// Of an absolute target.
    let authority: Place?

    /// - Parameter line: without its end, from the first byte of the head.
    init(_ line: UnsafeRawBufferPointer, _ bounds: HeadBounds) throws(FramingError) {
        guard let base = line.baseAddress, let method = try Self.method(line) else { throw FramingError(.startLine) }
        self.method = method
        let start = method.rawValue.utf8.count + 1
        guard let blank = memchr(base + start, 0x20, line.count - start) else { throw FramingError(.startLine) }
        let target = start..<UnsafeRawPointer(blank) - base
        version = try HTTPVersion(line.part(target.upperBound + 1..<line.count), else: .startLine)
        guard target.count <= bounds.targetBytes else { throw FramingError(.targetTooLong) }
        guard !target.isEmpty, ByteClass.areVisible(line.part(target)) else { throw FramingError(.target) }
        let authority = try Self.authority(line, target)
        (path, query) = try Self.parts(line, method, target, authority)
        self.target = Place(target)
        self.authority = authority.map(Place.init)
    }

    /// The method of a request that has begun; `nil` when the blank after it isn't there yet.
    ///
    /// To be asked before the line is whole: who speaks another protocol is told so at once, and need not send a line feed.
    static func method(_ bytes: UnsafeRawBufferPointer) throws(FramingError) -> RequestMethod? {
        var word: UInt64 = 0
        for place in 0..<min(bytes.count, 32) {
            let byte = bytes[place]
            if byte == 0x20 {
                if place == 0 { throw FramingError(.startLine) }
                if let method = RequestMethod(packed: word, count: place) { return method }
                if let method = RequestMethod(rawValue: String(decoding: bytes[..<place], as: UTF8.self)) {
                    return method
                }
                throw FramingError(word == RequestMethod.pack("PRI") ? .otherProtocol : .method)
            }
            // A record of a TLS handshake begins with 0x16.
            guard ByteClass.isToken(byte) else {
                throw FramingError(place == 0 && byte == 0x16 ? .otherProtocol : .startLine)
            }
            word = word << 8 | UInt64(byte)
        }
        if bytes.count >= 32 { throw FramingError(.startLine) }
        return nil
    }

    /// Where the host and port of an absolute target stand (RFC 9112 §3.2.2); `nil` for the other forms.
    private static func authority(
        _ line: UnsafeRawBufferPointer, _ target: Range<Int>
    ) throws(FramingError) -> Range<Int>? {
        let bytes = line.part(target)
        if bytes[0] == 0x2F || bytes.count == 1 { return nil }
        let scheme =
            if bytes.count > 7, bytes.part(0..<7).isLowercased("http://") {
                7
            } else if bytes.count > 8, bytes.part(0..<8).isLowercased("https://") {
                8
            } else {
                throw FramingError(.target)
            }
        let end = bytes[scheme...].firstIndex { $0 == 0x2F || $0 == 0x3F } ?? bytes.count
        guard HostValue.isOne(bytes.part(scheme..<end)) else { throw FramingError(.target) }
        return target.lowerBound + scheme..<target.lowerBound + end
    }

    private static func parts(
        _ line: UnsafeRawBufferPointer, _ method: RequestMethod, _ target: Range<Int>, _ authority: Range<Int>?
    ) throws(FramingError) -> (path: Place, query: Place?) {
        let start = authority?.upperBound ?? target.lowerBound
        var end = start
        while end < target.upperBound, line[end] != 0x3F {
            // A fragment is never sent (RFC 9110 §7.1).
            guard line[end] != 0x23 else { throw FramingError(.target) }
            end += 1
        }
        let query = end < target.upperBound ? end + 1..<target.upperBound : nil
        if let query, line.part(query).contains(0x23) { throw FramingError(.target) }
        if let authority, start == end {
            // No path is the path `/` (RFC 9110 §4.2.3), and one stands right before the host.
            return (Place(authority.lowerBound - 1..<authority.lowerBound), query.map(Place.init))
        }
        guard line[start] == 0x2F || (line[start] == 0x2A && method == .options && target.count == 1) else {
            throw FramingError(.target)
        }
        return (Place(start..<end), query.map(Place.init))
    }
}

extension RequestMethod {
    /// One of those that are served here, without making a text.
    /// - Parameter packed: the bytes of the name, the first one highest.
    fileprivate init?(packed: UInt64, count: Int) {
        guard count < 8 else { return nil }
        switch packed {
        case Self.pack("GET"): self = .get
        case Self.pack("POST"): self = .post
        case Self.pack("HEAD"): self = .head
        case Self.pack("PUT"): self = .put
        case Self.pack("PATCH"): self = .patch
        case Self.pack("DELETE"): self = .delete
        case Self.pack("OPTIONS"): self = .options
        default: return nil
        }
    }

    @inline(__always) fileprivate static func pack(_ name: StaticString) -> UInt64 {
        var word: UInt64 = 0
        for place in 0..<name.utf8CodeUnitCount { word = word << 8 | UInt64(name.utf8Start[place]) }
        return word
    }
}
