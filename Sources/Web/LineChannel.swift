package import HummingbirdCore
package import Line
package import Logging
package import NIOCore

/// Puts the line under Hummingbird's listener, in the place of its own HTTP/1.1 channel.
package struct LineChannel: ServerChildChannel {
    package struct Value: ServerChildChannelValue {
        package let channel: any Channel
    }

    private let lines: Lines

    private init(_ lines: Lines) { self.lines = lines }

    /// The server of an application whose connections are these.
    package static func server(_ lines: Lines) -> HTTPServerBuilder { HTTPServerBuilder { _ in LineChannel(lines) } }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try lines.accept(channel)
            return Value(channel: channel)
        }
    }

    /// The connection serves itself. The listener only has to know when it has ended, and to end it when time is over.
    package func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            try? await value.channel.closeFuture.get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
    }
}
