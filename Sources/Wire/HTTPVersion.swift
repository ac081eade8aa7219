/// The versions of HTTP that are spoken here. Any other is refused while the start line is read.
package enum HTTPVersion: Sendable, Equatable {
    case http10
    case http11

    /// - Parameter reason: for what is no version at all.
    init(_ bytes: UnsafeRawBufferPointer, else reason: FramingError.Reason) throws(FramingError) {
        guard bytes.count == 8, bytes.part(0..<5).elementsEqual("HTTP/".utf8), ByteClass.isDigit(bytes[5]),
            bytes[6] == 0x2E, ByteClass.isDigit(bytes[7])
        else { throw FramingError(reason) }
        switch (bytes[5], bytes[7]) {
        case (0x31, 0x31): self = .http11
        case (0x31, 0x30): self = .http10
        default: throw FramingError(.version)
        }
    }
}
