import HTTP
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
    let logger: Logger

    package init(_ responder: any HTTPResponder<WebContext>, logger: Logger) {
        self.responder = responder
        self.logger = logger
    }

    package func exchange(for head: RequestHead, on line: Line) -> any LineExchange {
        RoutedExchange(head, on: line, served: self)
    }
}
