import Catalog
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import TestSupport
import Testing
import Values

@testable import Gateway
@testable import Metering

@Suite("Answers kept for a repetition")
struct StoredAnswerTests {
    private let id = Identifier(number: 2_097_152_001)

    private func hold(cost: Int64 = 20_000_000, remaining: Int64 = 80_000_000) -> Hold {
        let call = MeteredCall(
            CallSubject(
                account: id, credential: id, application: id, model: "echo", priceVersion: id, multiplierVersion: id),
            cost: Credits(micro: cost), time: Timestamp(microseconds: 0), idempotency: nil)
        return Hold(2_097_152_001, call, remaining: Credits(micro: remaining), in: Purses(ids: EntryIDs()))
    }

    private func answer(
        _ body: [UInt8], _ headers: HTTPFields = [.contentType: "application/json"], status: HTTPResponse.Status = .ok
    ) -> UpstreamAnswer {
        UpstreamAnswer(status: status, headers: headers, length: body.count, body: .whole(ByteBuffer(bytes: body)))
    }

    private func collect(_ response: Response) async throws -> [UInt8] {
        let collected = Collected()
        try await response.body.write(Writer(collected: collected))
        return await collected.bytes
    }

    private actor Collected {
        private(set) var bytes: [UInt8] = []
        func add(_ more: [UInt8]) { bytes += more }
    }

    private struct Writer: ResponseBodyWriter {
        let collected: Collected

        mutating func write(_ buffer: ByteBuffer) async throws { await collected.add(Array(buffer.readableBytesView)) }
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    private static let bodies: [[UInt8]] = [
        [], Array("{}".utf8), Array("\n".utf8), Array("\n\n200\nX: y\n\n".utf8), Array("a\r\nb\u{0}猫".utf8),
        [0xFF, 0x00, 0x0A, 0xC3], Array(0...255),
    ]

    @Test("the body comes back byte for byte, whatever it is", arguments: bodies)
    func body(bytes: [UInt8]) async throws {
        let stored = try #require(StoredAnswer(answer(bytes), Receipt(for: hold())))
        let response = try #require(stored.response)
        #expect(try await collect(response) == bytes)
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/json")
    }

    @Test("each header comes back as often as it was said and as it was said, with the mark of a repetition after it")
    func headers() throws {
        var fields: HTTPFields = [.contentType: "application/json; charset=utf-8"]
        let name = try #require(HTTPField.Name("X-Some"))
        for value in ["one", "two: three", "", "a, b", "\u{301}x", "café 猫"] {
            fields.append(HTTPField(name: name, value: value))
        }
        let response = try #require(StoredAnswer(answer([], fields), Receipt(for: hold()))?.response)
        #expect(response.headers[values: name] == fields[values: name])
        #expect(response.headers[.contentType] == "application/json; charset=utf-8")
        #expect(response.headers[try #require(HTTPField.Name("Idempotency-Replayed"))] == "true")
    }

    @Test("the receipt is that of the first answer") func receipt() throws {
        let response = try #require(
            StoredAnswer(answer([]), Receipt(for: hold(cost: 10_500_000, remaining: 1)))?.response)
        func header(_ name: String) throws -> [String] {
            response.headers[values: try #require(HTTPField.Name(name))]
        }
        #expect(try header("X-Latchkey-Cost") == ["10.5"])
        #expect(try header("X-Latchkey-Charge") == [id.description])
        #expect(try header("X-Latchkey-Remaining") == ["0.000001"])
    }

    @Test("the status comes back", arguments: [200, 201, 202, 299])
    func status(code: Int) throws {
        let stored = StoredAnswer(answer([], status: .init(code: code)), Receipt(for: hold()))
        #expect(stored?.response?.status.code == code)
    }

    @Test("one mebibyte is kept, a byte more is not, nor what did not come in whole") func limit() throws {
        let receipt = Receipt(for: hold())
        #expect(StoredAnswer(answer(Array(repeating: 7, count: 1 << 20)), receipt) != nil)
        #expect(StoredAnswer(answer(Array(repeating: 7, count: 1 << 20 + 1)), receipt) == nil)
        var stream = answer([])
        let request = try ChatRequest(ByteBuffer(string: #"{"messages":[{"role":"user"}],"stream":true}"#))
        let reply = EchoReply(request, prompt: nil, model: "m", systemMessages: .keep)
        stream.body = .echo(EchoStream(reply, wantsUsage: false))
        #expect(StoredAnswer(stream, receipt) == nil)
    }

    @Test(
        "what was not stored like this is no answer",
        arguments: ["", "200", "x\n\n", "\n\n", "200\nno field\n\n", "200\n: x\n\n", "200\nbad name: x\n\n"])
    func malformed(text: String) { #expect(StoredAnswer(bytes: Array(text.utf8)).response == nil) }

    @Test("a header without a value is one, and ends nothing") func emptyValue() throws {
        let response = try #require(StoredAnswer(bytes: Array("200\nX-Some:\n\nbody".utf8)).response)
        #expect(response.headers[try #require(HTTPField.Name("X-Some"))] == "")
    }

    @Test("a receipt says what was paid, and of a call that was not served that nothing was") func receipts() {
        let served = Receipt(for: hold())
        #expect(served.cost == Credits(micro: 20_000_000))
        #expect(served.remaining == Credits(micro: 80_000_000))
        #expect(served.headers[.latchkeyCharge] == id.description)
        let released = Receipt(released: hold())
        #expect(released.cost == .zero)
        #expect(released.headers[.latchkeyCharge] == nil)
        #expect(released.remaining == Credits(micro: 100_000_000))
        #expect(Receipt(released: hold(cost: 20, remaining: .max)).remaining == .most)
        #expect(Receipt.none == [.latchkeyCost: "0"])
    }
}

@Suite("Keys of idempotency")
struct IdempotencyHeaderTests {
    private func key(_ values: [String], body: String = "{}") throws -> IdempotencyKey? {
        var headers = HTTPFields()
        for value in values {
            headers.append(HTTPField(name: try #require(HTTPField.Name("Idempotency-Key")), value: value))
        }
        return try IdempotencyKey(headers, body: ByteBuffer(string: body))
    }

    @Test(
        "1 to 255 printable ASCII characters", arguments: ["a", "order 1", "~!\"#", String(repeating: "k", count: 255)])
    func good(text: String) throws { #expect(try key([text]) != nil) }

    @Test("no header, no key") func none() throws { #expect(try key([]) == nil) }

    @Test(
        "anything else is refused by name",
        arguments: [
            [""], ["café"], ["猫"], [String(repeating: "k", count: 256)], ["a", "b"], ["a", "a"],
            ["a\u{A0}b"],
        ])
    func bad(values: [String]) throws {
        let problem = #expect(throws: Problem.self) { try key(values) }
        #expect(problem?.status == .badRequest)
        #expect(problem?.fields.map(\.field) == ["Idempotency-Key"])
    }

    @Test("every byte of a body matters") func bodies() throws {
        func digest(_ body: String) throws -> String? { try key(["k"], body: body)?.bodyDigest }
        let first = try digest(#"{"a":[1,2.0],"b":"x y"}"#)
        #expect(try digest(#"{"a":[1,2.0],"b":"x y"}"#) == first)
        for other in [
            #"{"a":[1,2.0],"b":"x y"} "#, #"{"a": [1,2.0],"b":"x y"}"#, #"{"a":[1,2.0],"b":"\u0078 y"}"#,
            #"{"a":[1,2],"b":"x y"}"#, #"{"b":"x y","a":[1,2.0]}"#, #"{"a":[1,2.0],"b":"x  y"}"#,
            #"{"a":[2.0,1],"b":"x y"}"#, #"{"a":[1,2.0],"b":"x y","c":null}"#, #"{"a":[1,2.0]}"#, "{}",
        ] { #expect(try digest(other) != first, "\(other)") }
    }

    @Test("keys differ by case and blanks, and don't depend on the body") func keys() throws {
        func digest(_ text: String, _ body: String = "{}") throws -> String? { try key([text], body: body)?.keyDigest }
        #expect(try digest("order-1") == digest("order-1", #"{"a":1}"#))
        for other in ["order-2", "Order-1", "order 1", "order-11"] {
            #expect(try digest(other) != digest("order-1"), "\(other)")
        }
    }

    @Test(
        "why a repetition gets no answer, as the caller hears it",
        arguments: [
            (IdempotencyRefusal.inFlight, 409, "idempotency_in_flight"),
            (.otherBody, 422, "idempotency_key_reused"),
            (
                .notReplayable(charge: Identifier(at: Timestamp(microseconds: 0), random: (1, 2))), 409,
                "idempotency_not_replayable"
            ),
        ])
    func refusals(refusal: IdempotencyRefusal, status: Int, code: String) throws {
        let answer = OpenAIDialect().answer(refusal.problem)
        #expect(answer.status.code == status)
        #expect(answer.headers[try #require(HTTPField.Name("X-Latchkey-Code"))] == code)
        let error = OpenAIDialect.error(refusal.problem).object
        #expect(error?["code"] == .string(code))
        #expect(error?["type"] == "invalid_request_error")
        #expect((answer.headers[.retryAfter] == "1") == (refusal == .inFlight))
        let charge = answer.headers[try #require(HTTPField.Name("X-Latchkey-Charge"))]
        let shouldRetry = answer.headers[try #require(HTTPField.Name("x-should-retry"))]
        if case .notReplayable(let id) = refusal {
            #expect(charge == id.description)
            #expect(shouldRetry == "false")
        } else {
            #expect(charge == nil)
            #expect(shouldRetry == nil)
        }
    }
}
