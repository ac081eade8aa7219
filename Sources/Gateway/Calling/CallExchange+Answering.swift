import Calls
import HTTP
import Line
import Logging
import Metering
import NIOCore
import Policy
import Wire

/// The caller's side of a call, once there is something to say.
extension CallExchange {
    func pump() {
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

    private func perform(_ step: AnswerCourse.Step) {
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

    func tell(_ how: String, _ weight: Refusal.Weight) {
        guard let hold else { return }
        let metadata: Logger.Metadata = ["model": "\(hold.call.subject.model)", "how": "\(how)"]
        switch weight {
        // It is the caller's affair, who is told; and could fill the log with it.
        case .none: reply.logger.debug("an upstream did not accept a caller's request", metadata: metadata)
        case .warning: reply.logger.warning("an upstream failed", metadata: metadata)
        case .alarm:
            reply.logger.error("an upstream refuses all calls until the operator does something", metadata: metadata)
        }
    }
}
