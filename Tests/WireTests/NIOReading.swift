import NIOCore
import NIOEmbedded
import NIOHTTP1
import Values

@testable import Wire

/// What swift-nio's decoders make of the same bytes.
extension Reading {
    init(requestsByNIO bytes: ArraySlice<UInt8>) {
        self.init(bytes) { channel in
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: .wide)))
        } take: { reading, channel in
            while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head):
                    reading.messages.append(
                        Message(start: Text("\(head.method.rawValue) \(head.uri)"), fields: head.headers.texts))
                case .body(let bytes): reading.messages[reading.messages.count - 1].body += bytes.readableBytesView
                case .end: reading.messages[reading.messages.count - 1].isWhole = true
                }
            }
        }
    }

    init(answerByNIO bytes: ArraySlice<UInt8>, to method: RequestMethod) {
        self.init(bytes) { channel in
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTPResponseDecoder(limitConfiguration: .wide)))
            try channel.writeOutbound(
                HTTPClientRequestPart.head(
                    HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method.rawValue), uri: "/")))
        } take: { reading, channel in
            while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
                switch part {
                case .head(let head):
                    reading.messages.append(Message(start: Text(String(head.status.code)), fields: head.headers.texts))
                case .body(let bytes): reading.messages[reading.messages.count - 1].body += bytes.readableBytesView
                case .end: reading.messages[reading.messages.count - 1].isWhole = true
                }
            }
        }
    }

    private init(
        _ bytes: ArraySlice<UInt8>, _ prepare: (EmbeddedChannel) throws -> Void,
        take: (inout Reading, EmbeddedChannel) -> Void
    ) {
        let channel = EmbeddedChannel()
        do {
            try prepare(channel)
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            self.error = .startLine
        }
        take(&self, channel)
        do { _ = try channel.finish(acceptAlreadyClosed: true) } catch { self.error = .cutShort }
        take(&self, channel)
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    /// So that the bounds are ours.
    fileprivate static var wide: Self {
        var bounds = NIOHTTPDecoderLimitConfiguration()
        bounds.maxHeaderFieldSize = 1 << 20
        bounds.maxHeaderListSize = 1 << 20
        bounds.maxHeaderFieldCount = 4096
        return bounds
    }
}

extension HTTPHeaders {
    /// NIO leaves the blanks at the end of a value where they are.
    fileprivate var texts: [[Text]] { map { [Text($0.name), Text($0.value).trimmed] } }
}
