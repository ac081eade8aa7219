import CZlib
import NIOCore
import TestSupport
import Testing

@testable import Gateway

@Suite("Undoing compression")
struct InflaterTests {
    /// - Parameter windowBits: zlib's: 15 for its own format, 31 for gzip, -15 for bare deflate.
    static func compressed(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        precondition(
            deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK)
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 64)
        let count = output.count
        input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(count)
                precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
            }
        }
        return Array(output.prefix(count - Int(stream.avail_out)))
    }

    /// Feeds the bytes in parts and takes out all that comes.
    private func expanded(
        _ bytes: [UInt8], _ coding: ContentCoding, cut random: inout SplitMix64
    ) throws -> (bytes: [UInt8], isWhole: Bool) {
        let inflater = Inflater(coding)
        var output: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(1 + random.below(40))
            rest = rest.dropFirst(part.count)
            inflater.feed(ByteBuffer(bytes: part))
            // Sometimes the next bytes come before the pieces were asked for.
            if random.chance(30) { continue }
            while let piece = try inflater.next() {
                #expect((1...Inflater.piece).contains(piece.readableBytes))
                output += piece.readableBytesView
            }
        }
        while let piece = try inflater.next() { output += piece.readableBytesView }
        return (output, inflater.isWhole)
    }

    private func text(_ random: inout SplitMix64) -> [UInt8] {
        let letters = Array("data: {\"choices\":[]}\n\n".utf8)
        return (0..<random.below(3_000)).map { _ in random.pick(letters) }
    }

    @Test(
        "what was compressed comes out, however it is cut", arguments: Seeds.list(1...20),
        [(ContentCoding.gzip, 31), (.deflate, 15), (.deflate, -15)] as [(ContentCoding, Int32)])
    func roundTrip(seed: UInt64, format: (ContentCoding, Int32)) throws {
        var random = SplitMix64(seed: seed)
        let text = text(&random)
        let bytes = Self.compressed(text, windowBits: format.1)
        let result = try expanded(bytes, format.0, cut: &random)
        #expect(result.bytes == text)
        #expect(result.isWhole)
        let cutOff = try expanded(Array(bytes.dropLast(1 + random.below(bytes.count - 2))), format.0, cut: &random)
        #expect(!cutOff.isWhole, "what was cut off must not look whole")
        #expect(text.starts(with: cutOff.bytes))
    }

    @Test("two gzip members are one text; anything else after the end is malformed") func members() throws {
        var random = SplitMix64(seed: 1)
        let one = Self.compressed(Array("one".utf8), windowBits: 31)
        let twice = try expanded(one + one, .gzip, cut: &random).bytes
        #expect(twice == Array("oneone".utf8))
        #expect(throws: Inflater.Malformed.self) { try expanded(one + Array("more".utf8), .gzip, cut: &random) }
        let two = Self.compressed(Array("two".utf8), windowBits: 15)
        #expect(throws: Inflater.Malformed.self) { try expanded(two + two, .deflate, cut: &random) }
    }

    @Test("a body of no bytes is an empty one") func empty() throws {
        #expect(Inflater(.gzip).isWhole)
        #expect(try Inflater(.gzip).next() == nil)
    }

    @Test("a small body that expands to a huge one comes in pieces") func bomb() throws {
        let huge = Self.compressed([UInt8](repeating: 0, count: 50 << 20), windowBits: 31)
        #expect(huge.count < 100_000)
        let inflater = Inflater(.gzip)
        inflater.feed(ByteBuffer(bytes: huge))
        var total = 0
        while let piece = try inflater.next() {
            #expect(piece.capacity <= 2 * Inflater.piece)
            total += piece.readableBytes
        }
        #expect(total == 50 << 20)
        #expect(inflater.isWhole)
    }

    @Test("bytes that were changed end in an error or in a bounded text", arguments: Seeds.list(1...200))
    func changed(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let format = random.pick(
            [(ContentCoding.gzip, 31), (.deflate, 15), (.deflate, -15)] as [(ContentCoding, Int32)])
        var bytes = Self.compressed(text(&random), windowBits: format.1)
        for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
        _ = try? expanded(bytes, format.0, cut: &random)
    }
}
