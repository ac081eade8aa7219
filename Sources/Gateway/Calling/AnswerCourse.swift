import HTTP
import NIOCore
import Policy
import Values

/// The course of an upstream's answer, as a value: what comes from the upstream and from the charge goes in, what is to be
/// done comes out, one step at a time. No connection and no clock is in it, so all of it is tested by tables.
///
/// It keeps the one rule of what is charged (design §7). Until the dialect has seen content, nothing has been served:
/// whatever goes wrong is a refusal, and costs nothing. With the first content the call is charged, once. An answer that
/// is no stream goes out when its charge is durable. A stream flows meanwhile, and its end waits for it. What breaks
/// after the first content is told in the dialect's own way, and never looks whole.
struct AnswerCourse {
    enum Step {
        /// Charge the call; ``charged(_:)`` is to follow. Of a short answer, this is the whole body.
        case charge(ByteBuffer?)
        /// This is the whole answer.
        case answer(ByteBuffer)
        /// Begin the answer; its parts follow.
        case open(isStream: Bool, length: Int?)
        case pass(ByteBuffer)
        /// The answer is whole.
        case end
        /// Nothing was served, and nothing has gone out: say so.
        case refuse(Refusal)
        /// The caller has had a part. These are the last bytes.
        case rupture(ByteBuffer, how: String)
        /// The caller has had a part, and there are no words for it that the rest doesn't come.
        case abort(how: String)
    }

    enum Body {
        case none
        case refused(status: Int, retryAfter: String?, ByteBuffer)
        /// A stream was asked for, and not a byte yet tells what this is.
        case unlabelled(ByteBuffer)
        case whole(ByteBuffer)
        /// Longer than what is taken in whole; it was looked at and only passes now.
        case long
        case stream(any StreamLook)
    }

    enum Charge { case none, asked, durable }

    enum End {
        case whole
        case fault(AnswerFault)
        case failure(UpstreamFailure)
    }

    let dialect: any Dialect
    let renaming: ModelRenaming?
    let isStreamAsked: Bool
    let wholeLimit: Int
    let isField: (Text) -> Bool

    var body = Body.none
    var label: String?
    var length: Int?
    var charge = Charge.none
    /// How the upstream's side has ended; `nil` as long as more may come.
    var end: End?
    var isOpen = false
    var isOver = false
    /// May go out at once.
    var ready = ByteBuffer()
    /// Waits for the charge: what a reader takes for the end of a stream, and all of a long answer.
    var held = ByteBuffer()
    /// Since when nothing but signs of life has come.
    var aliveSince: NIODeadline?
    var steps: [Step] = []

    /// - Parameters:
    ///   - isStreamAsked: whether the caller asked for one.
    ///   - wholeLimit: up to so many bytes an answer is taken in whole before any of it goes out.
    ///   - isField: whether the caller's body has a member of this name.
    init(
        _ dialect: any Dialect, renaming: ModelRenaming?, isStreamAsked: Bool, wholeLimit: Int,
        isField: @escaping (Text) -> Bool
    ) {
        self.dialect = dialect
        self.renaming = renaming
        self.isStreamAsked = isStreamAsked
        self.wholeLimit = wholeLimit
        self.isField = isField
    }

    /// Whether the call is charged, or about to be.
    var isServed: Bool { charge != .none }
    /// Bytes that wait here. With many of them, no more should be asked for.
    var waiting: Int { ready.readableBytes + held.readableBytes }
}

// MARK: What comes

extension AnswerCourse {
    /// - Parameters:
    ///   - label: the field `Content-Type`.
    ///   - length: of the body, in bytes, where it is known.
    mutating func begin(status: Int, label: String?, retryAfter: String?, length: Int?) {
        self.label = label
        self.length = length
        body =
            (200..<300).contains(status)
            ? .unlabelled(ByteBuffer()) : .refused(status: status, retryAfter: retryAfter, ByteBuffer())
    }

    mutating func take(_ bytes: ByteBuffer, at now: NIODeadline) {
        guard !isOver, end == nil else { return }
        let old = body
        // So that the bytes have one owner, and grow in place.
        body = .none
        switch consume old {
        case .none: break
        case .refused(let status, let retryAfter, var kept):
            kept.add(bytes, upTo: ProviderAnswer.bound)
            body = .refused(status: status, retryAfter: retryAfter, kept)
            if kept.readableBytes >= ProviderAnswer.bound { refuse() }
        case .unlabelled(var kept):
            kept.add(bytes)
            sniff(kept, at: now)
        case .whole(var kept):
            kept.add(bytes)
            body = .whole(kept)
            if kept.readableBytes > wholeLimit { lookAtBeginning(kept) }
        case .long:
            body = .long
            held.add(bytes)
        case .stream(var look):
            look.take(bytes)
            follow(&look, at: now)
            body = .stream(look)
        }
    }

    /// The upstream has sent all of its answer.
    mutating func ended() {
        guard !isOver, end == nil else { return }
        switch body {
        case .none: end = .fault(.empty)
        case .refused: refuse()
        case .unlabelled(let bytes), .whole(let bytes): lookAtWhole(bytes)
        case .long: end = .whole
        case .stream(var look):
            body = .none
            look.finish()
            follow(&look, at: aliveSince ?? .uptimeNanoseconds(0))
            if end == nil {
                if case .broken(let fault) = look.end(isCut: false) { end = .fault(fault) } else { end = .whole }
            }
            body = .stream(look)
        }
    }

    mutating func failed(_ failure: UpstreamFailure) {
        guard !isOver, end == nil else { return }
        end = .failure(failure)
        if case .stream(let look) = body, look.end(isCut: true) == .whole { end = .whole }
    }

    /// The charge is on disk, or nothing was charged.
    mutating func charged(_ isDurable: Bool) {
        guard charge == .asked else { return }
        charge = isDurable ? .durable : .none
        guard !isDurable, !isOver else { return }
        isOver = true
        let how = "the charge could not be recorded"
        // What went out already is not to look whole.
        steps.append(isOpen ? .abort(how: how) : .refuse(Refusal(problem: .storageFailed, how: how, weight: .none)))
    }

    /// After five seconds of nothing but signs of life, the caller gets them too: its patience may be shorter than the
    /// upstream's. This gives up the late refusal, for this call only.
    mutating func tick(_ now: NIODeadline) {
        guard !isOver, !isOpen, end == nil, let aliveSince, now - aliveSince >= .seconds(5) else { return }
        open(isStream: true)
    }
}

// MARK: What is to be done

extension AnswerCourse {
    /// - Parameter isWritable: whether the caller takes bytes now.
    mutating func next(isWritable: Bool) -> Step? {
        if !steps.isEmpty { return steps.removeFirst() }
        guard !isOver else { return nil }
        if isOpen, ready.readableBytes > 0 { return isWritable ? .pass(ready.takeAll()) : nil }
        if charge == .asked { return nil }
        if charge == .durable {
            if case .whole(let bytes) = body {
                isOver = true
                return .answer(bytes)
            }
            if !isOpen {
                open(isStream: false)
                return steps.removeFirst()
            }
            if held.readableBytes > 0 { return isWritable ? .pass(held.takeAll()) : nil }
        }
        return finish()
    }

    private mutating func finish() -> Step? {
        let (denial, how): (Denial, String)
        var weight = Refusal.Weight.warning
        switch end {
        case nil: return nil
        case .whole:
            isOver = true
            return .end
        case .fault(let fault):
            (denial, how) = (.upstreamFailed, fault.how)
            if fault == .told(.accountEmpty) || fault == .told(.secretRefused) { weight = .alarm }
        case .failure(let failure): (denial, how) = (failure.denial, failure.how)
        }
        isOver = true
        guard isOpen else { return .refuse(Refusal(problem: denial.problem, how: how, weight: weight)) }
        guard case .stream = body else { return .abort(how: how) }
        return .rupture(dialect.rupture(denial.problem), how: how)
    }

    mutating func open(isStream: Bool) {
        guard !isOpen else { return }
        isOpen = true
        steps.append(.open(isStream: isStream, length: isStream ? nil : length))
    }
}
