import HTTP
import HTTPTypes
import Hummingbird
import Line
import NIOCore

/// Writes the answer of a handler to the line. What is whole in one piece goes in one; of what isn't, each piece waits until
/// the one before was taken.
struct AnswerWriter: ResponseBodyWriter {
    private let exchange: NIOLoopBound<RoutedExchange>
    private let eventLoop: any EventLoop
    private var head: AnswerHead?
    /// The only piece, when its length is that of the body.
    private var whole: ByteBuffer?

    init(_ exchange: NIOLoopBound<RoutedExchange>, _ eventLoop: any EventLoop) {
        self.exchange = exchange
        self.eventLoop = eventLoop
    }

    /// - Parameter length: of the body, as the handler knows it.
    func begun(_ response: HTTPResponse, length: Int?) -> AnswerWriter {
        var copy = self
        // An answer to HEAD has no body, and the length that GET would have.
        let declared = response.headerFields[.contentLength].flatMap { Int($0) }
        var head = AnswerHead(status: response.status.code, length: declared ?? length)
        var fields = response.headerFields
        for name in [HTTPField.Name.contentLength, .transferEncoding, .connection, .date] { fields[name] = nil }
        head.add(fields)
        copy.head = head
        return copy
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        if let head {
            if whole == nil, head.length == buffer.readableBytes {
                whole = buffer
                return
            }
            let first = whole
            self.head = nil
            whole = nil
            try await taken { exchange, promise in exchange.begin(head, first ?? buffer, promise) }
            guard first != nil else { return }
        }
        try await taken { exchange, promise in exchange.write(buffer, promise) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        let (exchange, head, whole) = (exchange, head, whole)
        eventLoop.execute {
            if let head {
                exchange.value.answer(head, whole)
            } else {
                exchange.value.end()
            }
        }
    }

    func fail() { eventLoop.execute { [exchange] in exchange.value.fail() } }

    private func taken(_ write: @escaping @Sendable (RoutedExchange, EventLoopPromise<Void>) -> Void) async throws {
        let promise = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { [exchange] in write(exchange.value, promise) }
        try await promise.futureResult.get()
    }
}
