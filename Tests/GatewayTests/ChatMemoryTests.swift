import Applications
import Catalog
import Foundation
import NIOCore
import TestSupport
import Testing
import Values

@testable import Gateway

/// What a call takes beside its body, for bodies that were made to cost much: no more than the body again, for as long
/// as it is read, written and answered (design: twice the body and 64 KiB).
@Suite("The memory that a call takes")
struct ChatMemoryTests {
    static let size = 1 << 20

    /// Bodies of about ``size`` bytes, with `piece` over and over.
    static let shapes: [(name: String, body: @Sendable () -> ByteBuffer)] = [
        ("arrays", { body(#"{"messages":[{"role":"user","content":"a"}],"x":["#, { _ in "[[]]," }, "1]}") }),
        ("members", { body(#"{"messages":[{"role":"user","content":"a"}]"#, { ",\"\($0)\":0" }, "}") }),
        ("messages", { body(#"{"messages":["#, { _ in #"{"role":"user"},"# }, #"{"role":"user"}]}"#) }),
        (
            "system messages",
            { body(#"{"messages":["#, { _ in #"{"role":"system","content":"a"},"# }, #"{"role":"user"}]}"#) }
        ),
        (
            "parts of a system message",
            {
                body(
                    #"{"messages":[{"role":"system","content":["#, { _ in #"{"text":"a"},"# },
                    #"{"text":"b"}]},{"role":"user"}]}"#)
            }
        ),
        ("blanks", { body(#"{"messages":[{"role":"user","content":""#, { _ in " " }, #""}]}"#) }),
        ("parts", { body(#"{"messages":[{"role":"user","content":["#, { _ in #"{"text":""},"# }, "1]}]}") }),
        ("a name", { body(#"{"messages":[{"role":"user"}],"model":""#, { _ in "m" }, #""}"#) }),
    ]

    private static func body(_ beginning: String, _ piece: (Int) -> String, _ end: String) -> ByteBuffer {
        var body = ByteBuffer()
        body.reserveCapacity(size + 128)
        body.writeString(beginning)
        var count = 0
        while body.readableBytes < size {
            body.writeString(piece(count))
            count += 1
        }
        body.writeString(end)
        return body
    }

    @Test("never more than its body again, to read it, to write it for an upstream and to echo it") func bounded() async
    {
        await #expect(processExitsWith: .success) {
            // What is made with the first use of a thing is not the body's.
            _ = ChatMemoryTests.sent(ByteBuffer(string: #"{"messages":[{"role":"system","content":"a"}]}"#))
            _ = ChatMemoryTests.echoed(ByteBuffer(string: #"{"messages":[{"role":"user","content":"a"}]}"#))
            var isOver = false
            for (name, body) in ChatMemoryTests.shapes {
                let body = body()
                let (taken, echoed) = (ChatMemoryTests.sent(body), ChatMemoryTests.echoed(body))
                print("\(name): \(taken >> 10) KiB, echoed \(echoed >> 10) KiB, for \(body.readableBytes >> 10) KiB")
                // The allocator takes pages in strides.
                if max(taken, echoed) > body.readableBytes + 512 << 10 { isOver = true }
            }
            exit(isOver ? 1 : 0)
        }
    }

    private static func sent(_ body: ByteBuffer) -> Int {
        PeakMemory.taken {
            guard let request = try? ChatRequest(body) else { exit(3) }
            for setting in SystemMessages.allCases {
                let parts = request.forUpstream(model: "m", prompt: "cat", parameters: .none, systemMessages: setting)
                if parts.isEmpty { exit(4) }
            }
        }
    }

    private static func echoed(_ body: ByteBuffer) -> Int {
        PeakMemory.taken {
            guard let request = try? ChatRequest(body) else { exit(3) }
            let reply = EchoReply(request, prompt: "cat", model: "m", systemMessages: .merge)
            var stream = EchoStream(reply, wantsUsage: true)
            while let event = stream.next() { if event.readableBytes == 0 { exit(4) } }
        }
    }
}
