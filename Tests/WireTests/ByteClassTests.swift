import Testing

@testable import Wire

/// Eight bytes at a time must say what one at a time would say.
@Suite("Classes of bytes")
struct ByteClassTests {
    /// Texts of all lengths to 20 with one byte of each value at each place, beside neighbours that carry or borrow.
    private func forEachText(_ body: (UnsafeRawBufferPointer, UInt8) -> Void) {
        for neighbour in [UInt8(ascii: "a"), 0x21, 0x7E] {
            for count in 1...20 {
                for place in 0..<count {
                    for byte in UInt8.min...UInt8.max {
                        var text = [UInt8](repeating: neighbour, count: count)
                        text[place] = byte
                        text.withUnsafeBytes { body($0, byte) }
                    }
                }
            }
        }
    }

    @Test("a value") func values() {
        var wrong: [UInt8] = []
        forEachText { text, byte in
            if ByteClass.areValue(text) != (byte == 0x09 || (byte >= 0x20 && byte != 0x7F)) { wrong.append(byte) }
        }
        #expect(wrong == [])
    }

    @Test("an address") func addresses() {
        var wrong: [UInt8] = []
        forEachText { text, byte in
            if ByteClass.areVisible(text) != (0x21...0x7E).contains(byte) { wrong.append(byte) }
        }
        #expect(wrong == [])
    }

    @Test("tabs and bytes above 0x7F side by side are a value") func mixed() {
        for text in ["\t\t\t\t\t\t\t\t\t", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "a\t\u{e9}b\t c d e", "        "] {
            #expect(Array(text.utf8).withUnsafeBytes(ByteClass.areValue))
        }
    }

    @Test("a token is what RFC 9110 lists") func tokens() {
        let listed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        #expect((UInt8.min...UInt8.max).filter(ByteClass.isToken) == listed.utf8.sorted())
    }
}
