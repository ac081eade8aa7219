import NIOCore

/// The body of a request as a handler reads it, piece by piece, with word to the connection when reading begins and when
/// more may come.
struct RequestBytes: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Producer = NIOThrowingAsyncSequenceProducer<
        ByteBuffer, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, Demand
    >

    struct Demand: NIOAsyncSequenceProducerDelegate {
        let more: @Sendable () -> Void

        func produceMore() { more() }
        func didTerminate() {}
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        var pieces: Producer.AsyncIterator
        var first: (@Sendable () -> Void)?

        mutating func next() async throws -> ByteBuffer? {
            first?()
            first = nil
            return try await pieces.next()
        }
    }

    private let pieces: Producer
    private let first: @Sendable () -> Void

    /// - Parameters:
    ///   - first: is called when the handler reads for the first time.
    ///   - more: is called when more may be given to the source, after it said to stop.
    static func make(
        first: @escaping @Sendable () -> Void, more: @escaping @Sendable () -> Void
    ) -> (Producer.Source, RequestBytes) {
        // Counted in pieces, each as large as one read.
        let made = Producer.makeSequence(
            backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2), finishOnDeinit: true,
            delegate: Demand(more: more))
        return (made.source, RequestBytes(pieces: made.sequence, first: first))
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pieces: pieces.makeAsyncIterator(), first: first) }
}
