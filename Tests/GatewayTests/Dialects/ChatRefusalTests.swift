import HTTP
import HTTPTypes
import NIOCore
import Testing
import Values

@testable import Gateway

@Suite("What a provider refuses")
struct ChatRefusalTests {
    private func refusal(
        _ status: Int, _ body: String, retryAfter: String? = nil, model: ModelRenaming? = nil,
        fields: Set<Text> = ["messages", "temperature", "model"]
    ) -> Refusal {
        OpenAIChat().refusal(
            ProviderAnswer(
                status: status, body: ByteBuffer(string: body), retryAfter: retryAfter, model: model,
                isField: fields.contains))
    }

    private static func error(_ message: String, type: String = "x", code: String = "null", param: String = "null")
        -> String
    {
        #"{"error":{"message":"\#(message)","type":"\#(type)","code":\#(code),"param":\#(param)}}"#
    }

    @Test("a parameter that the provider doesn't take is the caller's affair, and is named") func parameter() {
        let body = Self.error(
            "Invalid 'temperature': must be at most 2.", type: "invalid_request_error", code: #""invalid_value""#,
            param: #""temperature""#)
        let refusal = refusal(400, body)
        #expect(refusal.problem.status == .badRequest && refusal.problem.code == "provider_refused")
        #expect(refusal.problem.fields.first?.field == "temperature")
        #expect(
            refusal.problem.detail
                == "The provider does not accept this call: Invalid 'temperature': must be at most 2.")
        #expect(refusal.weight == .none)
    }

    @Test("a field that the caller didn't send isn't named: it is the operator's or the app's") func otherField() {
        let body = Self.error("no", param: #""organization_id""#)
        #expect(refusal(400, body).problem.fields.isEmpty)
        #expect(
            refusal(400, Self.error("no", param: #""messages[0].content""#)).problem.fields.first?.field
                == "messages[0].content")
    }

    @Test("what the caller must not repeat keeps its status", arguments: [400, 413, 415, 422])
    func statuses(status: Int) {
        #expect(refusal(status, Self.error("too bad")).problem.status.code == status)
        #expect(
            refusal(status, #"{"detail":[{"loc":["body","temperature"],"msg":"must be a number"}]}"#).problem.fields
                .first?.field == "temperature")
        #expect(
            refusal(status, "<html><body>nginx at inner.example</body></html>").problem.detail.contains("nginx")
                == false)
    }

    @Test(
        "whose affair it is",
        arguments: [
            (
                429,
                error("You exceeded your current quota", type: "insufficient_quota", code: #""insufficient_quota""#),
                "upstream_failed", Refusal.Weight.alarm
            ),
            (429, error("You exceeded your current quota, please check your plan"), "upstream_failed", .alarm),
            (400, error("Your credit balance is too low", type: "invalid_request_error"), "upstream_failed", .alarm),
            (403, error("x", code: #""billing_not_active""#), "upstream_failed", .alarm),
            (402, "{}", "upstream_failed", .alarm),
            (400, error("API key not valid. Please pass a valid API key."), "upstream_failed", .alarm),
            (401, error("Incorrect API key provided: sk-abc"), "upstream_failed", .alarm),
            (403, "{}", "upstream_failed", .alarm),
            (404, error("no", code: #""model_not_found""#), "upstream_failed", .warning),
            (404, "nope", "upstream_failed", .warning),
            (400, error("no", code: #""model_not_found""#), "upstream_failed", .warning),
            (
                429, error("Rate limit reached for gpt in organization org-abc", code: #""rate_limit_exceeded""#),
                "upstream_rate_limited", .warning
            ),
            (429, "", "upstream_rate_limited", .warning),
            (429, error("slow", type: "tokens"), "upstream_rate_limited", .warning),
            (400, error("x", code: #""context_length_exceeded""#), "context_length_exceeded", .none),
            (400, error("This model's maximum context length is 8192 tokens"), "context_length_exceeded", .none),
            (413, error("x", type: "request_too_large"), "context_length_exceeded", .none),
            (400, error("x", code: #""content_filter""#), "content_refused", .none),
            (
                400, #"{"error":{"code":"x","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#, "content_refused",
                .none
            ),
            (403, #"{"error":{"code":403,"message":"m","metadata":{"flagged_input":"x"}}}"#, "content_refused", .none),
            (400, #"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#, "provider_refused", .none),
            (400, #"{"object":"error","message":"bad","code":40001}"#, "provider_refused", .none),
            (500, error("x"), "upstream_failed", .warning), (302, "", "upstream_failed", .warning),
            (409, error("x"), "upstream_failed", .warning), (418, "", "upstream_failed", .warning),
        ])
    func kinds(status: Int, body: String, code: String, weight: Refusal.Weight) {
        let refusal = refusal(status, body)
        #expect(refusal.problem.code == code && refusal.weight == weight, "\(refusal)")
        #expect(refusal.how.hasPrefix("status \(status)"))
    }

    @Test("when to try again passes, where it is a time") func retryAfter() {
        for status in [429, 503, 529] {
            #expect(refusal(status, "", retryAfter: " 20 ").problem.headers[.retryAfter] == "20")
            for odd in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1e9", "90000", "soon", "", "2; host=inner", "org-abc"] {
                let told = refusal(status, "", retryAfter: odd).problem.headers[.retryAfter]
                #expect(told == (status == 429 ? "1" : nil), "\(odd)")
            }
        }
        #expect(refusal(500, "", retryAfter: "20").problem.headers[.retryAfter] == nil)
    }

    @Test(
        "no sentence passes in which the operator may be found",
        arguments: [
            "Project proj_abc has no access", "see https://api.inner/v1", "ask ops@example.com",
            "dial tcp 10.0.0.7:8000",
            "llm-7.prod.internal refused", "organisation org-AbC123 is limited", "your account 1234",
            "key sk-pr********abc",
            "id 9f8c2d1e-77aa-4b1c request failed", "AKIAIOSFODNN7EXAMPLE is bad", "litellm.BadRequestError: bad",
            "Traceback (most recent call last)", "/srv/app/main.py failed", "bad\\nnews", "<b>no</b>",
            "gpt-inner is not happy",
            "no GPU on node 7",
        ])
    func operators(message: String) {
        let model = ModelRenaming("nice", upstreamName: "inner")
        let detail = refusal(400, Self.error(message), model: model).problem.detail
        #expect(detail == "The provider does not accept this call. Check its parameters against what the model can do.")
    }

    @Test("the model has its public name in what is said of it") func renamed() {
        let model = ModelRenaming("nice", upstreamName: "project/upstream-v1.2")
        let refusal = refusal(
            400, Self.error("The model `project/upstream-v1.2` does not support messages.0.content, see 1.5."),
            model: model
        )
        #expect(refusal.problem.detail.hasSuffix("The model `nice` does not support messages.0.content, see 1.5."))
    }
}
