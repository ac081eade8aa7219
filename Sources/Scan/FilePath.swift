/// A path as the file system has it: any bytes. A text would lose the names that aren't UTF-8, and what is behind them.
struct FilePath {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    func appending(_ name: [UInt8]) -> FilePath {
        FilePath(bytes + (bytes.last == 0x2F ? [] : [0x2F]) + name)
    }

    /// For people; bytes that are no text become `\xE9`.
    var text: String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.map { byte in
            byte < 0x80 ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes + [0]).withUnsafeBytes { try $0.withMemoryRebound(to: CChar.self) { try body($0.baseAddress!) } }
    }
}
