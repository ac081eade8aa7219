import HTTPTypes
import NIOCore

/// The built-in upstream: answers in the manner of the system prompt it is given, without any network, always the same
/// way. Enough to see that a key opens its own app, and to try a client, before any provider is configured.
struct EchoUpstream {
    func complete(_ call: UpstreamCall) -> UpstreamAnswer {
        let reply = EchoReply(
            call.request, prompt: call.prompt, model: call.publicModel, systemMessages: call.systemMessages)
        guard call.request.isStream else {
            let body = reply.whole()
            return UpstreamAnswer(
                status: .ok, headers: [.contentType: "application/json"], length: body.readableBytes,
                body: .whole(body))
        }
        return UpstreamAnswer(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], length: nil,
            body: .echo(EchoStream(reply, wantsUsage: call.request.wantsUsage)))
    }
}
