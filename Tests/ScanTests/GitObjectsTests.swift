import Testing

@testable import Scan

@Suite("The output of git cat-file, taken apart as it comes")
struct GitObjectsTests {
    /// In two parts, so that a scan of this file finds nothing.
    private static let key = "sk-" + "abcdefghijkl" + "0000000000000000000000" + "11111111111" + "4DXdtR"

    private static let output = [
        "\(String(repeating: "a", count: 40)) blob \(key.utf8.count + 5)\n1\n2\n\(key)\n\n",
        "\(String(repeating: "b", count: 40)) blob 0\n\n",
        "\(String(repeating: "c", count: 40)) missing\n",
        "\(String(repeating: "d", count: 40)) tree \(key.utf8.count)\n\(key)\n",
        "\(String(repeating: "e", count: 40)) tag \(key.utf8.count)\n\(key)\n",
        "\(String(repeating: "f", count: 40)) commit \(key.utf8.count / 2)\n\(key.prefix(key.utf8.count / 2))\n",
        "\(String(repeating: "f", count: 40)) commit 60\n\(key.suffix(60 - 33))\(String(repeating: "-", count: 33))\n",
    ].joined()

    private func objects() throws -> GitObjects {
        GitObjects(try KeyKinds(appKeyPrefixes: ["sk-"]).scanner)
    }

    /// The objects with finds.
    private func take(_ text: String, in pieces: Int, _ objects: inout GitObjects) throws -> [String] {
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { piece in
                try objects.take(piece) { object, _ in found.append("\(object.kind) \(object.id.prefix(1))") }
            }
        }
        return found
    }

    @Test("Wherever a piece ends, each object is scanned by itself", arguments: [1, 2, 3, 7, 40, 53, 64, 10_000])
    func pieces(_ length: Int) throws {
        var objects = try objects()
        #expect(try take(Self.output, in: length, &objects) == ["blob a", "tag e"])
        #expect(objects.count == 6 && objects.isComplete)
        #expect(objects.missing == [String(repeating: "c", count: 40)])
    }

    @Test("An output that breaks off isn't complete")
    func breaksOff() throws {
        let whole = Array(Self.output.utf8)
        for length in [1, 40, 50, 60, 100] {
            var objects = try objects()
            _ = try take(String(decoding: whole.prefix(length), as: UTF8.self), in: 16, &objects)
            #expect(!objects.isComplete)
        }
    }

    @Test(
        "What git would not write is refused",
        arguments: ["\n", "a blob\n", "a blob x\n", "a blob -1\n", "a leaf 1\n", "a blob 1 2\n", "a blob 1\nxy"])
    func unreadable(_ text: String) throws {
        var objects = try objects()
        #expect(throws: GitObjects.Unreadable.self) { _ = try take(text, in: 16, &objects) }
    }

    @Test("A header without an end is refused before it fills the memory")
    func endless() throws {
        var objects = try objects()
        let header = String(repeating: "a", count: 2000)
        #expect(throws: GitObjects.Unreadable.self) { _ = try take(header, in: 16, &objects) }
    }
}
