/// The first line of an answer (RFC 9112 §4): version, status, and a phrase that nobody reads.
struct StatusLine: Sendable {
    /// 100 to 599.
    let status: Int
    let version: HTTPVersion

    /// The longest one, with its phrase and its end, in bytes.
    static let most = 1024

    /// - Parameter line: without its end.
    init(_ line: UnsafeRawBufferPointer) throws(FramingError) {
        guard line.count >= 12 else { throw FramingError(.statusLine) }
        version = try HTTPVersion(line.part(0..<8), else: .statusLine)
        var status = 0
        for byte in line[9..<12] {
            guard ByteClass.isDigit(byte) else { throw FramingError(.statusLine) }
            status = status * 10 + Int(byte &- 0x30)
        }
        // The blank after the status may be missing, as many servers have it that send no phrase.
        guard line[8] == 0x20, (100...599).contains(status), line.count == 12 || line[12] == 0x20,
            ByteClass.areValue(line.part(12..<line.count))
        else { throw FramingError(.statusLine) }
        self.status = status
    }

    /// Refuses what can't become a status line, before the line is whole.
    static func checkBeginning(_ bytes: UnsafeRawBufferPointer) throws(FramingError) {
        guard bytes.prefix(5).elementsEqual("HTTP/".utf8.prefix(bytes.count)) else { throw FramingError(.statusLine) }
    }
}
