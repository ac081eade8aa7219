import NIOCore

/// What the dialect sees in what has come, and what follows from it.
extension AnswerCourse {
    mutating func sniff(_ bytes: ByteBuffer, at now: NIODeadline) {
        let form = AnswerForm(label: label, isStreamAsked: isStreamAsked, beginning: bytes, hasEnded: false)
        switch form {
        case .whole: body = .whole(ByteBuffer())
        case .stream: body = .stream(dialect.stream(renaming: renaming))
        case nil:
            body = .unlabelled(bytes)
            // Blanks before an answer are no answer.
            if bytes.readableBytes > wholeLimit { end = .fault(.undecided(bytes: bytes.readableBytes)) }
            return
        }
        take(bytes, at: now)
    }

    mutating func lookAtWhole(_ bytes: ByteBuffer) {
        switch dialect.look(at: bytes, isWhole: true) {
        case .content:
            end = .whole
            let answer = dialect.renamed(bytes, renaming) ?? bytes
            body = .whole(answer)
            serve(whole: answer)
        case .error(let fault): end = .fault(fault)
        default: end = .fault(.noChoices)
        }
    }

    mutating func lookAtBeginning(_ bytes: ByteBuffer) {
        switch dialect.look(at: bytes, isWhole: false) {
        case .content:
            body = .long
            held = dialect.renamed(bytes, renaming) ?? bytes
            if let length { self.length = length + held.readableBytes - bytes.readableBytes }
            serve(whole: nil)
        case .error(let fault): end = .fault(fault)
        default: if bytes.readableBytes > 16 * wholeLimit { end = .fault(.undecided(bytes: bytes.readableBytes)) }
        }
    }

    mutating func follow(_ look: inout any StreamLook, at now: NIODeadline) {
        while end == nil, let piece = look.next() {
            switch piece.finding {
            case .nothing, .usage: ready.add(piece.bytes)
            case .keepAlive:
                if aliveSince == nil { aliveSince = now }
                ready.add(piece.bytes)
            case .content:
                if !isServed {
                    serve(whole: nil)
                    open(isStream: true)
                }
                ready.add(piece.bytes)
            case .end:
                guard isServed else {
                    end = .fault(.streamWithoutContent)
                    return
                }
                held.add(piece.bytes)
                end = .whole
            case .error(let fault): end = .fault(fault)
            }
        }
    }

    mutating func serve(whole: ByteBuffer?) {
        charge = .asked
        steps.append(.charge(whole))
    }

    mutating func refuse() {
        guard case .refused(let status, let retryAfter, let bytes) = body else { return }
        isOver = true
        let answer = ProviderAnswer(
            status: status, body: bytes, retryAfter: retryAfter, model: renaming, isField: isField)
        steps.append(.refuse(dialect.refusal(answer)))
    }
}

extension ByteBuffer {
    /// Adds up to so many bytes; the first ones without a copy.
    mutating func add(_ bytes: ByteBuffer, upTo most: Int = .max) {
        let room = most == .max ? bytes.readableBytes : Swift.min(bytes.readableBytes, most - readableBytes)
        guard room > 0, let part = bytes.getSlice(at: bytes.readerIndex, length: room) else { return }
        if readableBytes == 0 { self = part } else { writeImmutableBuffer(part) }
    }

    mutating func takeAll() -> ByteBuffer {
        defer { self = ByteBuffer() }
        return self
    }
}
