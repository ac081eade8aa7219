import Foundation
import TestSupport
import Testing

@testable import Wire

/// Our readers and swift-nio's decoders on the same bytes. Whatever ours takes, NIO's takes and reads the same.
@Suite("Read by two readers")
struct DifferentialTests {
    /// Of each seed.
    private static let inputs = isLong ? 500_000 : 12_500
    private static let isLong = ProcessInfo.processInfo.environment["LATCHKEY_TEST_LENGTH"] == "long"

    @Test("requests are read as swift-nio reads them, and however they are cut", arguments: Seeds.list(1...8))
    func requests(seed: UInt64) throws {
        var grammar = Grammar(seed: seed)
        var taken = 0
        for input in 0..<Self.inputs {
            let bytes = grammar.requests()
            let ours = Reading(requests: bytes)
            let cuts = grammar.cuts()
            try #require(ours == Reading(requests: bytes, cuts: cuts), "input \(input), cuts \(cuts): \(bytes.shown)")
            if let difference = Self.difference(ours, bytes) {
                Issue.record("input \(input): \(difference): \(bytes.shown)")
                return
            }
            taken += ours.messages.count { $0.isWhole }
        }
        #expect(taken > Self.inputs / 3, "many inputs are taken, or the comparison says little")
    }

    @Test("answers are read as swift-nio reads them, and however they are cut", arguments: Seeds.list(1...8))
    func answers(seed: UInt64) throws {
        var grammar = Grammar(seed: seed)
        var taken = 0
        for input in 0..<Self.inputs {
            let bytes = grammar.answer()
            let method = grammar.isOfHead() ? RequestMethod.head : .post
            let ours = Reading(answer: bytes, to: method)
            let cuts = grammar.cuts()
            try #require(
                ours == Reading(answer: bytes, to: method, cuts: cuts), "input \(input), cuts \(cuts): \(bytes.shown)")
            if let difference = Self.difference(ours, bytes, to: method) {
                Issue.record("input \(input): \(difference): \(bytes.shown)")
                return
            }
            taken += ours.messages.count { $0.isWhole }
        }
        #expect(taken > Self.inputs / 5, "many inputs are taken, or the comparison says little")
    }

    /// NIO reads nothing after a message that offers to speak another protocol; we do. So it is given the rest anew.
    private static func difference(_ ours: Reading, _ bytes: [UInt8]) -> String? {
        guard !ours.messages.isEmpty else { return nil }
        var theirs = Reading()
        var start = 0
        for end in ours.messages.filter({ $0.isWhole && $0.offersUpgrade }).map(\.end) + [bytes.count] {
            let part = Reading(requestsByNIO: bytes[start..<end])
            theirs.messages += part.messages
            theirs.error = part.error
            start = end
        }
        return difference(ours, theirs, mayEndEarly: ours.isOver)
    }

    private static func difference(_ ours: Reading, _ bytes: [UInt8], to method: RequestMethod) -> String? {
        guard !ours.messages.isEmpty else { return nil }
        let theirs = Reading(answerByNIO: bytes.prefix(bytes.count - ours.rest)[...], to: method)
        return difference(ours, theirs, mayEndEarly: true)
    }

    /// - Parameter mayEndEarly: ours has reached the last message that it reads; NIO's may go on.
    private static func difference(_ ours: Reading, _ theirs: Reading, mayEndEarly: Bool) -> String? {
        for (place, mine) in ours.messages.enumerated() {
            guard place < theirs.messages.count else { return "NIO has no message \(place)" }
            let other = theirs.messages[place]
            if mine.start != other.start { return "message \(place) begins as \(mine.start), \(other.start)" }
            if mine.fields != other.fields { return "message \(place) has \(mine.fields), \(other.fields)" }
            if mine.isWhole, !other.isWhole { return "NIO sees no end of message \(place)" }
            if mine.isWhole ? mine.body != other.body : !other.body.starts(with: mine.body) {
                return "message \(place) has the body \(mine.body.shown), \(other.body.shown)"
            }
        }
        guard ours.error == nil, !mayEndEarly else { return nil }
        if theirs.messages.count > ours.messages.count { return "NIO has more messages" }
        if ours.rest == 0, theirs.error == .startLine { return "NIO refuses what ours waits to see the end of" }
        return nil
    }
}

extension [UInt8] {
    /// For a report: as a literal.
    var shown: String { String(decoding: self, as: UTF8.self).debugDescription }
}
