import Accounts
import Calls
import Catalog
import HTTP
import HTTPTypes
import Line
import Logging
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
final class CallExchange<D: Dialect>: LineExchange, UpstreamListener {
    private enum Upstream {
        case none
        case provider(UpstreamExchange)
        case echo(EchoStream)
    }

    private let gateway: Gateway
    private let dialect: D
    private let line: Line
    private let reply: Reply
    private let head: RequestHead
    private let bearer: String
    private let route: GatewayRoute
    private let origin: WebOrigin
    private var intake: BodyIntake
    private var isReceived = false
    private var isRead = false
    private var life = CallLife()
    private var key: OpenedKey?
    private var admitted: AdmittedCall?
    private var place: CallPlaces.Place?
    private var hold: Hold?
    private var upstream = Upstream.none
    private var course: AnswerCourse<D>?
    private var isPumping = false
    private var isOver = false

    /// - Throws: the refusal of a call that has no key, or a body that can't be taken.
    init(
        _ dialect: D, _ head: RequestHead, _ route: GatewayRoute, on line: Line, reply: Reply, of gateway: Gateway
    ) throws {
        self.gateway = gateway
        self.dialect = dialect
        self.line = line
        self.reply = reply
        self.head = head
        self.route = route
        bearer = try head.fields.bearer()
        origin = head.fields.origin
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
            if let key = self.key, !line.receive(for: [.account(key.account.id), .key(key.credential)]) {
                throw Denial.overloaded
            }
            line.sendContinue()
            // All of it may come in here, or there was nothing to wait for.
            line.resumeBody()
            if isReceived { readBody() }
        } catch {
            refuse(gateway.explained(error, bearer))
        }
    }

    private func admit(_ key: OpenedKey) throws(Denial) {
        self.key = key
        admitted = try key.admit(to: route.application, from: line.client, on: origin)
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

    // MARK: The decision

    /// - Parameter turns: how often something may change while it is decided.
    private func decide(_ call: D.Call, turns: Int = 4) {
        guard let admitted else { return }
        guard turns > 0 else { return refuse(Denial.overloaded) }
        // How long a body takes is up to the caller, and what was changed meanwhile binds this call.
        guard gateway.calls.isCurrent(admitted.key, at: gateway.clock.now()) else {
            return reopen(call, turns: turns - 1)
        }
        if let decided = admitted.decide(model: call.model) { return hold(call, decided, turns) }
        elsewhere { [calls = gateway.calls] in
            try await calls.decide(admitted, model: call.model)
        } then: {
            exchange, result in
            switch result {
            case .success(let decided): exchange.hold(call, decided, turns)
            case .failure(let error): exchange.refuse(exchange.gateway.explained(error, admitted.key))
            }
        }
    }

    /// Something has changed that the call was admitted under.
    private func reopen(_ call: D.Call, turns: Int) {
        let now = gateway.clock.now()
        elsewhere { [calls = gateway.calls, bearer] in
            try await calls.open(bearer, at: now)
        } then: {
            exchange, key in
            do {
                try exchange.admit(key.get())
                exchange.decide(call, turns: turns)
            } catch {
                exchange.refuse(exchange.gateway.explained(error, exchange.bearer))
            }
        }
    }

    private func hold(_ call: D.Call, _ decided: DecidedCall, _ turns: Int) {
        step(.decide)
        do {
            let idempotency = try IdempotencyKey(head.fields, body: call.body)
            hold(call, decided, decided.metered(idempotency), turns)
        } catch {
            refuse(error)
        }
    }

    private func hold(_ call: D.Call, _ decided: DecidedCall, _ metered: MeteredCall, _ turns: Int) {
        guard turns > 0 else { return refuse(Denial.overloaded) }
        switch gateway.metering.hold(metered, under: decided.key.stamp) {
        case .held(let hold):
            step(.hold)
            self.hold = hold
            ask(call, decided, isKept: hold.isRepeatable && !call.isStream)
        case .denied(let denial): refuse(denial)
        case .changed: reopen(call, turns: turns - 1)
        case .unknown:
            elsewhere { [metering = gateway.metering] in
                try await metering.prepare(metered)
            } then: {
                exchange, result in
                switch result {
                case .success(.ready(let metered)): exchange.hold(call, decided, metered, turns - 1)
                case .success(.answered(let stored)): exchange.repeatAnswer(stored)
                case .failure(let error): exchange.refuse(error)
                }
            }
        }
    }

    private func repeatAnswer(_ stored: StoredAnswer) {
        guard let kept = KeptAnswer(stored) else { return refuse(Problem.internalError) }
        step(.repeat)
        var head = reply.head(status: 200, length: kept.body.readableBytes)
        head.fields.field("Content-Type", "application/json")
        try? head.fields.receipt(kept.receipt)
        head.fields.field("Idempotency-Replayed", "true")
        reply.log(200)
        line.answer(head, kept.body, isWhole: true)
        finish()
    }

    // MARK: The upstream

    private func ask(_ call: D.Call, _ decided: DecidedCall, isKept: Bool) {
        gateway.calls.noteUse(of: decided.key)
        let sent = dialect.request(call, to: decided.route, by: decided.key.application, isKept: isKept)
        course = AnswerCourse(
            dialect, renaming: sent.renaming, isStreamAsked: call.isStream, wholeLimit: sent.wholeLimit,
            isField: call.hasMember)
        switch decided.route.upstream {
        case .echo: echo(sent)
        case .openai(let base, let secret):
            do {
                upstream = .provider(try gateway.ask(sent, base, secret, passing: head, withoutKey: bearer, for: self))
            } catch {
                // What is configured can't be written in a head.
                tell("its address or secret can't be sent", .alarm)
                refuse(Denial.upstreamFailed)
            }
        }
    }

    private func echo(_ call: UpstreamCall) {
        let reply = EchoReply(
            call.request, prompt: call.prompt, model: call.publicModel, systemMessages: call.systemMessages)
        if call.request.isStream {
            course?.begin(status: 200, label: AnswerForm.stream.contentType, retryAfter: nil, length: nil)
            upstream = .echo(EchoStream(reply, wantsUsage: call.request.wantsUsage))
        } else {
            let answer = reply.whole()
            course?.begin(
                status: 200, label: AnswerForm.whole.contentType, retryAfter: nil, length: answer.readableBytes)
            course?.take(answer, at: line.eventLoop.now)
            course?.ended()
        }
        pump()
    }

    /// Makes the next events, as many as there is room for.
    private func pumpEcho() -> Bool {
        guard case .echo(var events) = upstream, let waiting = course?.waiting, waiting < Gateway.shortAnswer else {
            return false
        }
        if let event = events.next() {
            upstream = .echo(events)
            course?.take(event, at: line.eventLoop.now)
        } else {
            upstream = .none
            course?.ended()
        }
        return true
    }

    func upstream(head: ResponseHead, length: Int?) {
        course?.begin(
            status: head.status, label: head.fields.text("content-type"), retryAfter: head.fields.text("retry-after"),
            length: length)
        pump()
    }

    func upstream(body: ByteBuffer) {
        course?.take(body, at: line.eventLoop.now)
        pump()
    }

    func upstreamEnded() {
        upstream = .none
        course?.ended()
        pump()
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        upstream = .none
        course?.failed(failure)
        pump()
    }

    // MARK: The answer

    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        var turns = 0
        repeat {
            while !isOver, let step = course?.next(isWritable: line.isWritable) { perform(step) }
            turns += 1
        } while !isOver && turns < Self.echoTurns && pumpEcho()
        isPumping = false
        guard !isOver, let course else { return }
        switch upstream {
        case .none: break
        case .provider(let exchange):
            if course.waiting > Gateway.shortAnswer { exchange.pauseReading() } else { exchange.resumeReading() }
        case .echo:
            // The other connections of this loop have their turn.
            guard turns == Self.echoTurns else { return }
            line.inNextRound { self.pump() }
        }
    }

    private static var echoTurns: Int { 64 }

    private func perform(_ step: AnswerCourse<D>.Step) {
        switch step {
        case .charge(let whole): charge(whole)
        case .answer(let body):
            reply.log(200)
            line.answer(served(isStream: false, length: body.readableBytes), body, isWhole: true)
            finish()
        case .open(let isStream, let length):
            reply.log(200)
            line.answer(served(isStream: isStream, length: length), nil, isWhole: false)
        case .pass(let bytes): line.write(bytes)
        case .end:
            line.end()
            finish()
        case .refuse(let refusal):
            tell(refusal.how, refusal.weight)
            refuse(refusal.problem)
        case .rupture(let bytes, let how):
            tell(how, .warning)
            line.write(bytes)
            line.end()
            finish(as: Denial.upstreamFailed.rawValue)
        case .abort(let how):
            tell(how, .warning)
            line.abort()
            finish(as: Denial.upstreamFailed.rawValue)
        }
    }

    private func charge(_ whole: ByteBuffer?) {
        guard let hold else { preconditionFailure("an answer without a hold") }
        step(.serve)
        let kept = hold.isRepeatable ? whole.flatMap { KeptAnswer($0, Receipt(for: hold)).stored } : nil
        let bound = NIOLoopBound(self, eventLoop: line.eventLoop)
        gateway.metering.charge(hold, hold.cost, answer: kept, wake: gateway.wake(line.eventLoop)) { result in
            bound.value.charged(result)
        }
    }

    private func charged(_ result: Result<Void, any Error>) {
        if case .failure(let error) = result {
            _ = reply.publicSide(of: error)
            step(.commitFailed)
            if let hold { gateway.metering.release(hold, as: Problem.storageFailed.code) }
            course?.charged(false)
        } else {
            step(.committed)
            course?.charged(true)
        }
        pump()
    }

    private func served(isStream: Bool, length: Int?) -> AnswerHead {
        var head = reply.head(status: 200, length: length)
        if isStream {
            head.fields.field("Content-Type", "text/event-stream")
            head.fields.field("Cache-Control", "no-cache")
        } else {
            head.fields.field("Content-Type", "application/json")
        }
        if let hold { try? head.fields.receipt(Receipt(for: hold)) }
        return head
    }

    private func tell(_ how: String, _ weight: Refusal.Weight) {
        guard let hold else { return }
        let metadata: Logger.Metadata = ["model": "\(hold.call.subject.model)", "how": "\(how)"]
        switch weight {
        case .none: reply.logger.info("an upstream did not accept a caller's request", metadata: metadata)
        case .warning: reply.logger.warning("an upstream failed", metadata: metadata)
        case .alarm:
            reply.logger.error("an upstream refuses all calls until the operator does something", metadata: metadata)
        }
    }

    // MARK: Ends

    private func refuse(_ error: any Error) {
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
    private func finish(as code: String = "caller_left") {
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

    private func step(_ step: CallLife.Step) {
        let isAllowed = life.take(step)
        precondition(isAllowed, "a call went from \(life.phase) to \(step)")
    }

    /// Runs what has to wait in a task, and goes on here with what came of it, unless the call is over by then.
    private func elsewhere<Value: Sendable>(
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
