package import HTTP
package import Hummingbird
package import Line
package import Logging
import Values
package import Wire

/// Hummingbird's router behind the line: whoever serves what the data plane doesn't.
///
/// The line has read the message and owns the connection; Hummingbird's own loop for connections isn't there. What that
/// loop did is done here: a request and a context for each message, a task that answers it, and the answer's bytes.
package struct RoutedResponder: Responder {
    let responder: any HTTPResponder<WebContext>
    let callers: Callers
    let logger: Logger
    /// Whether a caller of this path who closes its half counts as gone.
    let isLeftByHalfClose: @Sendable (_ path: String) -> Bool

    /// - Parameters:
    ///   - callers: is told when the caller of a connection has left.
    ///   - isLeftByHalfClose: where waiting for an answer costs something. Elsewhere the caller gets its answer.
    package init(
        _ responder: any HTTPResponder<WebContext>, callers: Callers, logger: Logger,
        isLeftByHalfClose: @escaping @Sendable (_ path: String) -> Bool
    ) {
        self.responder = responder
        self.callers = callers
        self.logger = logger
        self.isLeftByHalfClose = isLeftByHalfClose
    }

    package func exchange(for head: RequestHead, on line: Line) -> any LineExchange {
        RoutedExchange(head, on: line, served: self)
    }
}
