import HTTP
import HTTPTypes
import Hummingbird
import Synchronization
import Values

/// Forms that were sent, so that one which comes twice is done once: a double click without a script, or a page that is
/// sent again by "back" and "reload".
///
/// In memory, for ten minutes and at most so many: a form that is forgotten counts as new.
struct SentForms: Sendable {
    enum Claim: Sendable, Equatable {
        /// It is to be done now.
        case first
        /// It was done, and led to this path; `nil` where its answer was shown this once.
        case done(String?)
        /// It is being done.
        case underWay
    }

    private struct Sent {
        var claim: Claim
        let until: Timestamp
    }

    private final class Table: Sendable { let sent = Mutex(BoundedTable<Text, Sent>(capacity: 20_000)) }

    private let clock: Clock
    private let table = Table()

    init(clock: Clock) { self.clock = clock }

    /// - Parameter name: of the form, with that of the session that sends it.
    func claim(_ name: Text) -> Claim {
        let now = clock.now()
        return table.sent.withLock { table in
            if let sent = table[name], now < sent.until { return sent.claim }
            table.insert(Sent(claim: .underWay, until: now.adding(.seconds(600))), for: name)
            return .first
        }
    }

    /// - Parameter path: where it led to; `nil` where its answer was shown this once.
    func done(_ name: Text, _ path: String?) {
        let until = clock.now().adding(.seconds(600))
        table.sent.withLock { $0.insert(Sent(claim: .done(path), until: until), for: name) }
    }

    /// What was not done may be sent again.
    func release(_ name: Text) { table.sent.withLock { $0.remove(name) } }
}

extension Console {
    /// Does what a form asks for, once for each time that its page was shown.
    func once(_ visit: Visit, _ form: Form, _ session: Identifier, _ take: Take) async throws -> Response {
        let given = form.text("once")
        guard (1...64).contains(given.utf8.count) else { return try await take(visit, form) }
        let name = Text("\(session).\(visit.request.uri.path).\(given)")
        // While the first one is done, a second one waits for where it leads.
        for _ in 0..<100 {
            switch sent.claim(name) {
            case .first:
                do {
                    let answer = try await take(visit, form)
                    note(answer, of: name)
                    return answer
                } catch {
                    sent.release(name)
                    throw error
                }
            case .done(let path?): return visit.see(path)
            case .done(nil): throw Self.sentBefore
            case .underWay: try await Task.sleep(for: .milliseconds(100))
            }
        }
        throw Problem.overloaded
    }

    private func note(_ answer: Response, of name: Text) {
        let path = answer.headers[.location] ?? answer.headers[.goingTo]
        if path != nil || answer.status == .ok { sent.done(name, path) } else { sent.release(name) }
    }

    private static let sentBefore = Problem(
        .conflict, "sent_before", "This form was sent before, and done. What came of it was shown that once.")
}
