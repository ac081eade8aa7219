import HTTP
package import Hummingbird
package import Line
package import Logging
import Values
package import Wire

/// Hummingbird's router behind the line: whoever serves what the data plane doesn't.
///
/// The line has read the message and owns the connection; Hummingbird's own loop for connections isn't there. What that
/// loop did is done here: a request and a context for each message, a task that answers it, and the answer's bytes. A
/// task is begun when it is the turn of the caller's address; see ``RequestTurns``.
package struct RoutedResponder: Responder {
    let responder: any HTTPResponder<WebContext>
    let logger: Logger
    private let turns: RequestTurns
    private let probes: [String]

    /// - Parameter probes: paths that only tell how the server is. They have turns of their own: a check of the server's
    ///   health must not fail because others of its address ask for much.
    package init(
        _ responder: any HTTPResponder<WebContext>, turns: RequestTurns, probes: [String], logger: Logger
    ) {
        self.responder = responder
        self.turns = turns
        self.probes = probes
        self.logger = logger
    }

    package func exchange(for head: RequestHead, on line: Line) -> any LineExchange {
        let site = line.client?.site
        let isProbe = probes.contains { head.path.elementsEqual($0.utf8) }
        let turn = RequestTurn(of: isProbe ? .probe(site) : .site(site), in: turns, on: line.eventLoop)
        return RoutedExchange(head, on: line, turn, served: self)
    }
}
