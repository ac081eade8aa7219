import Applications
import Calls
import Catalog
import Line
import NIOCore
import Policy
import Wire

/// The provider's side of a call.
extension CallExchange: UpstreamListener {
    func ask(_ call: any DialectCall, _ decided: DecidedCall, isKept: Bool) {
        gateway.calls.noteUse(of: decided.key)
        let sent = call.request(to: decided.route, by: decided.key.application, isKept: isKept)
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
    func pumpEcho() -> Bool {
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
}
