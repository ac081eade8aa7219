import Catalog
import NIOCore
import Secrets
import Testing

@testable import Gateway

@Suite("What the answer to a test of a provider says")
struct ModelListTests {
    private func read(_ text: String, without secret: Secret? = nil) -> ProviderTest.Models? {
        ModelList.read(ByteBuffer(string: text), without: secret)
    }

    @Test("a list of models is counted, and the first ten names that can be names are told") func list() {
        #expect(
            read(#"{"object":"list","data":[{"id":"b","x":1},{"id":"a/b:1"}]}"#)
                == .init(count: 2, names: ["b", "a/b:1"]))
        #expect(read(#"[{"id":"bare"}]"#) == .init(count: 1, names: ["bare"]))
        #expect(read(#"{"data":[]}"#) == .init(count: 0, names: []))
        let many = (1...12).map { #"{"id":"m\#($0)"}"# }.joined(separator: ",")
        #expect(read("{\"data\":[\(many)]}") == .init(count: 12, names: (1...10).map { "m\($0)" }))
        let odd = ##"{"data":[{"id":"<script>"},{"id":""},{"id":"fine"}]}"##
        #expect(read(odd) == .init(count: 3, names: ["fine"]))
    }

    @Test("a name that has the secret in it is not told") func echoed() {
        let answer = #"{"data":[{"id":"x-sk-upstream-1"},{"id":"sk-up"}]}"#
        #expect(read(answer, without: Secret("sk-upstream")) == .init(count: 2, names: ["sk-up"]))
    }

    @Test(
        "anything else is no list",
        arguments: [
            "", "hello", "<html>", "{}", "null", #"{"data":{}}"#, #"{"data":[1]}"#, #"{"data":[{"id":1}]}"#,
            #"{"data":[{"name":"a"}]}"#, #"{"data":[{"id":"a"}]"#, #"{"error":{"message":"no"}}"#,
        ])
    func others(text: String) { #expect(read(text) == nil) }

    @Test("a status says what the body need not") func statuses() {
        let said: [Int: ProviderTest.Fault?] = [
            200: nil, 204: nil, 302: .redirected, 400: .unexpectedStatus, 401: .credentialRefused,
            403: .credentialRefused, 404: .noModelList, 405: .noModelList, 429: .rateLimited, 500: .serverError,
            501: .noModelList, 529: .serverError, 999: .serverError,
        ]
        for (status, fault) in said { #expect(ProbeAnswer.fault(of: status) == fault, "\(status)") }
        let answer = ProbeAnswer(status: 200, body: ByteBuffer(string: "hi"), time: .milliseconds(1500))
        #expect(
            answer.test(without: nil) == ProviderTest(status: 200, milliseconds: 1500, models: nil, fault: .notOpenAI))
    }
}
