import HTTP
import HTTPTypes
import JSON
import Policy
import Testing
import Values

@testable import Gateway

@Suite("Refusals as OpenAI's clients know them")
struct OpenAIDialectTests {
    private struct Row: Sendable {
        let denial: Denial
        let status: Int
        let type: String
        let code: String
        var param: String?
        var shouldRetry: String?
    }

    private static let invalid = "invalid_request_error"
    private static let quota = "insufficient_quota"

    /// Design §6.
    private static let table = [
        Row(denial: .missingKey, status: 401, type: invalid, code: "invalid_api_key"),
        Row(denial: .invalidKey, status: 401, type: invalid, code: "invalid_api_key"),
        Row(denial: .wrongApp, status: 403, type: invalid, code: "wrong_app"),
        Row(denial: .keyExpired, status: 401, type: invalid, code: "invalid_api_key"),
        Row(denial: .keyDisabled, status: 401, type: invalid, code: "invalid_api_key"),
        Row(denial: .ipNotAllowed, status: 403, type: invalid, code: "ip_not_allowed"),
        Row(denial: .hostNotAllowed, status: 403, type: invalid, code: "host_not_allowed"),
        Row(denial: .browserNotAllowed, status: 403, type: invalid, code: "browser_not_allowed"),
        Row(denial: .accountSuspended, status: 403, type: invalid, code: "account_suspended"),
        Row(denial: .modelNotAllowed, status: 403, type: invalid, code: "model_not_allowed", param: "model"),
        Row(denial: .modelNotFound, status: 404, type: invalid, code: "model_not_found", param: "model"),
        Row(denial: .monthlyLimitReached, status: 429, type: quota, code: quota, shouldRetry: "false"),
        Row(denial: .creditLimitReached, status: 429, type: quota, code: quota, shouldRetry: "false"),
        Row(denial: .insufficientCredits, status: 429, type: quota, code: quota, shouldRetry: "false"),
        Row(denial: .upstreamFailed, status: 502, type: "server_error", code: "upstream_failed"),
        Row(denial: .upstreamTimeout, status: 504, type: "server_error", code: "upstream_timeout"),
        Row(denial: .overloaded, status: 503, type: "server_error", code: "overloaded"),
    ]

    @Test("each denial has its status, type, code and field", arguments: table)
    private func denials(row: Row) throws {
        let answer = OpenAIDialect().answer(row.denial.problem)
        #expect(answer.status.code == row.status)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.headers[.cacheControl] == "no-store")
        #expect(answer.headers[try #require(HTTPField.Name("X-Latchkey-Code"))] == row.denial.rawValue)
        #expect(answer.headers[try #require(HTTPField.Name("x-should-retry"))] == row.shouldRetry)
        let error = try #require(OpenAIDialect.error(row.denial.problem).object)
        #expect(error.members.map(\.name) == ["message", "type", "param", "code"])
        #expect(error["type"] == .string(row.type))
        #expect(error["param"] == JSON(row.param))
        #expect(error["code"] == .string(row.code))
        let message = try #require(error["message"]?.string)
        #expect(message.string.hasSuffix("."))
    }

    @Test("only where credits lack does the status differ from the denial's own, which is 402") func ownStatus() {
        for row in Self.table {
            #expect(row.denial.problem.status.code == (row.code == Self.quota ? 402 : row.status))
        }
    }

    @Test("the table has every denial") func complete() {
        #expect(Set(Self.table.map(\.denial)) == Set(Denial.allCases))
    }

    @Test(
        "every 401, and nothing else, asks for a bearer; no error code when no key was given",
        arguments: Denial.allCases)
    func challenge(denial: Denial) {
        let answer = OpenAIDialect().answer(denial.problem)
        switch denial {
        case .missingKey: #expect(answer.headers[.wwwAuthenticate] == #"Bearer realm="latchkey""#)
        case _ where answer.status == .unauthorized:
            #expect(answer.headers[.wwwAuthenticate] == #"Bearer realm="latchkey", error="invalid_token""#)
        default: #expect(answer.headers[.wwwAuthenticate] == nil)
        }
        #expect((answer.headers[.retryAfter] != nil) == (denial == .overloaded))
    }

    @Test("malformed, forged, unknown and deleted look alike: one denial stands for all of them")
    func indistinguishable() {
        #expect(
            Denial.allCases.filter { $0.problem.status == .unauthorized }
                == [.missingKey, .invalidKey, .keyExpired, .keyDisabled])
    }

    @Test("the body is the error and nothing beside it") func body() {
        let problem = Problem.invalid("messages[0].role", "must be a string")
        #expect(
            OpenAIDialect().answer(problem).body.text
                == #"{"error":{"message":"The field messages[0].role must be a string.","#
                + #""type":"invalid_request_error","param":"messages[0].role","code":"invalid_request"}}"#)
    }

    @Test("a fault of the server says nothing of its cause") func internalError() {
        let error = OpenAIDialect.error(.internalError).object
        #expect(error?["type"] == "server_error")
        #expect(error?["code"] == "internal_error")
        #expect(error?["param"] == .null)
    }
}
