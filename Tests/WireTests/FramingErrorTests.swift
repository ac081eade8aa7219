import Testing

@testable import Wire

@Suite("Reasons to refuse a message")
struct FramingErrorTests {
    @Test("every reason to refuse has a status and a sentence") func reasons() {
        for reason in FramingError.Reason.allCases {
            #expect((400...599).contains(FramingError(reason).status))
            #expect(FramingError(reason).sentence.hasSuffix("."))
        }
    }
}
