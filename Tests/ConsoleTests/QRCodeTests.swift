import Foundation
import Testing

@testable import Console

@Suite("QR codes")
struct QRCodeTests {
    /// What a reader of another maker sees in a code (Debian's zbar-tools).
    private func read(_ code: QRCode) throws -> String {
        let scale = 4
        let side = (code.size + 8) * scale
        var bitmap = "P1\n\(side) \(side)\n"
        for y in 0..<side {
            for x in 0..<side { bitmap += code.isDark(x / scale - 4, y / scale - 4) ? "1 " : "0 " }
            bitmap += "\n"
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "qr-\(UUID().uuidString).pbm")
        try Data(bitmap.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let reader = Process()
        reader.executableURL = URL(filePath: "/usr/bin/env")
        reader.arguments = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file.path]
        let output = Pipe()
        reader.standardOutput = output
        reader.standardError = FileHandle.nullDevice
        try reader.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        reader.waitUntilExit()
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// The most that each version holds, and what needs the next one.
    @Test(
        "are read as they were written, in every version",
        arguments: [
            1, 14, 15, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
        ])
    func readBack(count: Int) throws {
        let alphabet = Array("otpauth://Latchkey%40abc?DEF=&0129")
        var text = ""
        for place in 0..<count { text.append(alphabet[(place * 7 + place / 5) % alphabet.count]) }
        let code = try #require(QRCode(text))
        #expect(try read(code) == text)
    }

    @Test("a text that is too long has none, and the path draws each dark module") func path() throws {
        #expect(QRCode(String(repeating: "a", count: 667)) == nil)
        let code = try #require(QRCode("latchkey"))
        #expect(code.size == 21)
        let drawn = code.path.matches(of: /h(\d+)v1/).compactMap { Int($0.output.1) }.reduce(0, +)
        let dark = (0..<code.size).flatMap { y in (0..<code.size).map { x in code.isDark(x, y) } }.count(where: \.self)
        #expect(drawn == dark)
    }
}
