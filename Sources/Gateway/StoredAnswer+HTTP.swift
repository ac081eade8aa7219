package import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Metering
import NIOCore
import Values

extension IdempotencyKey {
    /// The key of a call that has one. Equal bodies are those with the same bytes.
    init?(_ headers: HTTPFields, body: ByteBuffer) throws(Problem) {
        // An empty one is none, as tools send it that fill in every header they know.
        let values = headers[values: .idempotencyKey].filter { !$0.isEmpty }
        guard let text = values.first else { return nil }
        guard values.count == 1, (1...255).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { throw .invalid("Idempotency-Key", "must be one header of 1 to 255 printable ASCII characters") }
        self.init(text, body: Array(body.readableBytesView))
    }
}

extension StoredAnswer {
    /// The answer as it went out: the status, the headers and the body, each header on a line of its own.
    init?(_ answer: UpstreamAnswer, _ receipt: Receipt) {
        guard case .whole(let body) = answer.body, body.readableBytes <= Self.limit else { return nil }
        var head = "\(answer.status.code)\n"
        for field in answer.headers { head += "\(field.name.rawName): \(field.value)\n" }
        for field in receipt.headers { head += "\(field.name.rawName): \(field.value)\n" }
        self.init(bytes: Array(head.utf8) + [UInt8(ascii: "\n")] + Array(body.readableBytesView))
    }

    /// The same answer again, marked as a repetition. `nil` when it is not what was stored.
    var response: Response? {
        var lines: [Substring] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Substring(decoding: rest[..<end], as: UTF8.self)
            rest = rest[(end + 1)...]
            if line.isEmpty { break }
            lines.append(line)
        }
        guard let code = lines.first.flatMap({ Int($0) }) else { return nil }
        var headers = HTTPFields()
        for line in lines.dropFirst() {
            // By bytes: a value may begin with a mark that would join the blank before it.
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")),
                let name = HTTPField.Name(String(line[..<colon]))
            else { return nil }
            headers.append(HTTPField(name: name, value: String(Substring(line.utf8[colon...].dropFirst(2)))))
        }
        headers[.idempotencyReplayed] = "true"
        return Response(
            status: HTTPResponse.Status(code: code), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: rest)))
    }
}

extension IdempotencyRefusal: PublicError {
    package var problem: Problem {
        switch self {
        case .inFlight:
            Problem(
                .conflict, "idempotency_in_flight",
                "A call with this Idempotency-Key is still running. Try again when it is done."
            ).with(.retryAfter, "1")
        case .otherBody:
            Problem(
                .unprocessableContent, "idempotency_key_reused",
                "This Idempotency-Key was used for a call with another body. Use a new key for a new call.")
        case .notReplayable(let charge):
            Problem(
                .conflict, "idempotency_not_replayable",
                "The call with this Idempotency-Key was served and charged, but as a stream or an answer of more than "
                    + "1 MiB, which can't be replayed. It is not charged again."
            ).with(.shouldRetry, "false").with(.latchkeyCharge, charge.description)
        }
    }
}
