import NIOCore
import Testing
import Values

@testable import Gateway
@testable import Metering

@Suite("Answers kept for a repetition")
struct KeptAnswerTests {
    private let receipt = Receipt(
        cost: Credits(micro: 20_000_000), charge: Identifier(number: 2_097_152_001), remaining: Credits(micro: 1))

    private static let bodies: [[UInt8]] = [
        [], Array("{}".utf8), Array("\n".utf8), Array("\n\n200\nX: y\n\n".utf8), Array("a\r\nb\u{0}猫".utf8),
        [0xFF, 0x00, 0x0A, 0xC3], Array(0...255),
    ]

    @Test("body and receipt come back as they were, whatever the body is", arguments: bodies)
    func whole(bytes: [UInt8]) throws {
        let stored = try #require(KeptAnswer(ByteBuffer(bytes: bytes), receipt).stored)
        let kept = try #require(KeptAnswer(stored))
        #expect(Array(kept.body.readableBytesView) == bytes)
        #expect(kept.receipt.cost == receipt.cost && kept.receipt.charge == receipt.charge)
        #expect(kept.receipt.remaining == receipt.remaining)
    }

    @Test("an answer that is larger than what is kept is not kept") func limit() {
        let most = ByteBuffer(repeating: 0x20, count: StoredAnswer.limit)
        #expect(KeptAnswer(most, receipt).stored != nil)
        #expect(KeptAnswer(ByteBuffer(repeating: 0x20, count: StoredAnswer.limit + 1), receipt).stored == nil)
    }

    @Test(
        "what was not stored here is no answer",
        arguments: ["", "call1 1 2 3", "verify1 x 1 2 echo\n{}", "call1 x 01a1fd8c-6900-7d4a-9b60-3f2d8c5e1a47 1\n{}"])
    func other(text: String) { #expect(KeptAnswer(StoredAnswer(bytes: Array(text.utf8))) == nil) }
}
