/// The words of a code: the text's bytes, filled up, in blocks, each with its Reed-Solomon words, woven together.
enum QRCodewords {
    static func of(_ bytes: [UInt8], in version: QRVersion) -> [UInt8] {
        let data = filled(bytes, version)
        let short = data.count / version.blocks
        let longBlocks = data.count % version.blocks
        let generator = generator(version.correctionWords)
        var blocks: [(data: ArraySlice<UInt8>, correction: [UInt8])] = []
        var start = 0
        for index in 0..<version.blocks {
            let end = start + short + (index >= version.blocks - longBlocks ? 1 : 0)
            blocks.append((data[start..<end], remainder(data[start..<end], generator)))
            start = end
        }
        var woven: [UInt8] = []
        for place in 0...short {
            for block in blocks where place < block.data.count {
                woven.append(block.data[block.data.startIndex + place])
            }
        }
        for place in 0..<version.correctionWords { woven += blocks.map { $0.correction[place] } }
        return woven
    }

    /// The mode for bytes, their count, the bytes, and words to fill up with.
    private static func filled(_ bytes: [UInt8], _ version: QRVersion) -> [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for place in (0..<count).reversed() { bits.append(value >> place & 1 == 1) }
        }
        append(0b0100, 4)
        append(bytes.count, version.lengthBits)
        for byte in bytes { append(Int(byte), 8) }
        append(0, min(4, 8 * version.dataWords - bits.count))
        append(0, (8 - bits.count % 8) % 8)
        var words = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(0 as UInt8) { $0 << 1 | ($1 ? 1 : 0) }
        }
        var filler: UInt8 = 0xEC
        while words.count < version.dataWords {
            words.append(filler)
            filler ^= 0xEC ^ 0x11
        }
        return words
    }

    // MARK: Reed-Solomon over GF(2⁸) with x⁸ + x⁴ + x³ + x² + 1

    private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var result: UInt8 = 0
        for place in (0..<8).reversed() {
            let carry = result >> 7
            result = result << 1 ^ (carry == 0 ? 0 : 0x1D)
            if right >> UInt8(place) & 1 == 1 { result ^= left }
        }
        return result
    }

    /// The coefficients of (x − 2⁰)(x − 2¹)…, without the first, which is 1.
    private static func generator(_ degree: Int) -> [UInt8] {
        var coefficients = [UInt8](repeating: 0, count: degree - 1) + [1]
        var root: UInt8 = 1
        for _ in 0..<degree {
            for place in 0..<degree {
                coefficients[place] = product(coefficients[place], root)
                if place + 1 < degree { coefficients[place] ^= coefficients[place + 1] }
            }
            root = product(root, 2)
        }
        return coefficients
    }

    private static func remainder(_ data: ArraySlice<UInt8>, _ generator: [UInt8]) -> [UInt8] {
        var rest = [UInt8](repeating: 0, count: generator.count)
        for word in data {
            let factor = word ^ rest.removeFirst()
            rest.append(0)
            for place in rest.indices { rest[place] ^= product(generator[place], factor) }
        }
        return rest
    }
}
