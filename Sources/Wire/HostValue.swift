/// The value of `Host`, or the host and port of an absolute target (RFC 9110 §7.2, RFC 3986 §3.2.2).
enum HostValue {
    /// Whether this can name a host. No user before an `@`, no comma (two values joined), and nothing that ends an authority.
    static func isOne(_ bytes: UnsafeRawBufferPointer) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy(isPart)
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        case UInt8(ascii: "#"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"): false
        default: ByteClass.isToken(byte)
        }
    }
}
