import Metering
import NIOCore
import Values

/// An answer that is kept for a repetition of its call: its body, and its receipt.
struct KeptAnswer {
    let receipt: Receipt
    let body: ByteBuffer

    init(_ body: ByteBuffer, _ receipt: Receipt) {
        self.body = body
        self.receipt = receipt
    }

    /// `nil` when it is not what was stored here.
    init?(_ stored: StoredAnswer) {
        guard let end = stored.bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = String(decoding: stored.bytes[..<end], as: UTF8.self).split(separator: " ")
        guard words.count == 4, words[0] == Self.mark, let cost = Int64(words[1]),
            let charge = Identifier(String(words[2])),
            let remaining = Int64(words[3])
        else { return nil }
        receipt = Receipt(cost: Credits(micro: cost), charge: charge, remaining: Credits(micro: remaining))
        body = ByteBuffer(bytes: stored.bytes[(end + 1)...])
    }

    /// `nil` for more than is kept.
    var stored: StoredAnswer? {
        guard body.readableBytes <= StoredAnswer.limit else { return nil }
        let line = "\(Self.mark) \(receipt.cost.micro) \(receipt.charge) \(receipt.remaining.micro)\n"
        return StoredAnswer(bytes: Array(line.utf8) + Array(body.readableBytesView))
    }

    private static let mark = "call1"
}
