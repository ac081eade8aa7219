import Accounts
import Calls
import HTTP
import HTTPTypes
import Line
import Metering
import NIOCore
import Policy
import Values
import Wire

/// One call from its head to its receipt, on the event loop of its connection.
///
/// It joins four rooms and decides nothing: `Line` is the caller's side, `Calls` says whether and where the call may go,
/// `Upstream` is the provider's side, and `Metering` has the credits. What an answer is worth is ``AnswerCourse``'s to say.
///
///     head ─ key ─ body ─ decide ─ hold ─ ask ─ look ─ charge ─ answer
///            │            │       │                   └ the commit: the only wait for a call whose key is known
///            └ not known: └───────┴ not in memory: a task reads it, and comes back to this loop
///
/// Whatever ends it earlier is a refusal, and gives back what was taken: the hold, and the place among the calls under way.
final class CallExchange: LineExchange {
    enum Upstream {
        case none
        case provider(UpstreamExchange)
        case echo(EchoStream)
    }

    let gateway: Gateway
    let dialect: any Dialect
    let line: Line
    let reply: Reply
    let head: RequestHead
    let bearer: String
    let route: GatewayRoute
    let origin: WebOrigin
    private var intake: BodyIntake
    private var isReceived = false
    private var isRead = false
    var life = CallLife()
    var key: OpenedKey?
    var admitted: AdmittedCall?
    private var place: CallPlaces.Place?
    var hold: Hold?
    var upstream = Upstream.none
    var course: AnswerCourse?
    var isPumping = false
    var isOver = false

    /// - Throws: the refusal of a call that has no key, or a body that can't be taken.
    init(
        _ dialect: any Dialect, _ head: RequestHead, _ route: GatewayRoute, on line: Line, reply: Reply,
        of gateway: Gateway
    ) throws {
        self.gateway = gateway
        self.dialect = dialect
        self.line = line
        self.reply = reply
        self.head = head
        self.route = route
        bearer = try head.fields.bearer()
        origin = head.fields.origin(gateway.passes, at: gateway.clock.now())
        intake = BodyIntake(head.framing, limit: gateway.bounds.requestBytes)
    }

    var loop: any EventLoop { line.eventLoop }

    /// Looks at the key. To be called once.
    func start() {
        let now = gateway.clock.now()
        if let key = gateway.calls.known(bearer, at: now) {
            begin(.success(key))
        } else {
            line.pauseBody()
            elsewhere { [calls = gateway.calls, bearer] in
                try await calls.open(bearer, at: now)
            } then: {
                $0.begin($1)
            }
        }
    }

    private func begin(_ key: Result<OpenedKey, any Error>) {
        do {
            try admit(key.get())
            // The key is checked before the body is read: nobody makes the server take one in without a key.
            try head.fields.checkJSON()
            try intake.checkDeclared()
            if let key = self.key {
                let owners: [ShareOwner] = [.account(key.account.id), .key(key.credential)]
                guard line.connect(for: owners), line.receive(for: owners) else { throw Denial.overloaded }
            }
            line.sendContinue()
            // All of it may come in here, or there was nothing to wait for.
            line.resumeBody()
            if isReceived { readBody() }
        } catch {
            refuse(gateway.explained(error, bearer))
        }
    }

    func admit(_ key: OpenedKey) throws(Denial) {
        self.key = key
        admitted = try key.admit(to: try route.application, from: line.client, on: origin)
        step(.admit)
    }

    // MARK: The body

    func received(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        do {
            try intake.add(bytes)
        } catch {
            refuse(error)
        }
    }

    func receivedAll() {
        isReceived = true
        readBody()
    }

    private func readBody() {
        guard !isOver, !isRead, let admitted else { return }
        isRead = true
        // A place among the calls under way is taken with a whole body only: who is slow to send one keeps nobody out.
        do {
            let key = admitted.key
            place = try gateway.places.enter(account: key.account.id, key: key.credential, from: line.client)
        } catch {
            return refuse(error)
        }
        let bytes = intake.takeBytes()
        if bytes.readableBytes <= Self.readHere {
            do { try decide(dialect.read(bytes)) } catch { refuse(error) }
        } else {
            // A long body takes its time, which others on this loop are not to wait for.
            elsewhere { [dialect] in
                try dialect.read(bytes)
            } then: { exchange, call in
                do { try exchange.decide(call.get()) } catch { exchange.refuse(error) }
            }
        }
    }

    /// Up to so many bytes a body is read on the event loop. It takes some 100 µs.
    private static var readHere: Int { 128 * 1024 }

    // MARK: Ends

    func refuse(_ error: any Error) {
        guard !isOver else { return }
        let receipt = hold.map { Receipt.voided($0) } ?? Receipt.none
        let code = reply.refuse(error, receipt)
        finish(as: code)
    }

    func callerLeft() {
        guard !isOver else { return }
        finish(as: "caller_left")
    }

    func becameWritable() { pump() }

    func tick(_ now: NIODeadline) {
        course?.tick(now)
        pump()
    }

    /// Gives back all that was taken. What was served stays charged, whether or not the caller is still there.
    /// - Parameter code: why the call was not served.
    func finish(as code: String = "caller_left") {
        isOver = true
        if case .provider(let exchange) = upstream { exchange.cancel() }
        upstream = .none
        place = nil
        let debt = life.debt
        guard life.take(.stop) else { return }
        if debt == .release, let hold {
            gateway.metering.release(hold, as: code)
        } else if let key {
            gateway.metering.noteRefused(key.credential, of: key.account.id, as: code, at: key.time)
        }
    }

    func step(_ step: CallLife.Step) {
        let isAllowed = life.take(step)
        precondition(isAllowed, "a call went from \(life.phase) to \(step)")
    }

    /// Runs what has to wait in a task, and goes on here with what came of it, unless the call is over by then.
    func elsewhere<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value,
        then: @escaping @Sendable (CallExchange, Result<Value, any Error>) -> Void
    ) {
        let bound = NIOLoopBound(self, eventLoop: line.eventLoop)
        let loop = line.eventLoop
        Task {
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            loop.execute { if !bound.value.isOver { then(bound.value, result) } }
        }
    }
}
