import HTTP
import Policy
import Secrets
import Testing
import Values

@testable import Gateway

@Suite("What is wrong with the form of a key")
struct KeyFaultTests {
    private let key = "sk-Ab3kTq7RmWx9ThisIsNotARealSecret00ExampleTag0000000"

    private func shape() throws -> TokenShape { try TokenShape(prefix: "sk-") }

    @Test("each way to send it wrong is told apart") func faults() throws {
        let shape = try shape()
        let rows: [(text: String, fault: KeyFault)] = [
            ("Bearer x", .schemeTwice), ("bearer", .prefix("sk-")), ("\"\(key)\"", .quoted), ("\u{201c}x", .quoted),
            ("lkp-x", .platformToken), ("sk-", .length(3, wanted: 54)), (key + "\u{301}", .length(56, wanted: 54)),
            (key, .checksum), ("sk-" + String(repeating: ".", count: 51), .character), ("", .prefix("sk-")),
        ]
        for row in rows { #expect(KeyFault(in: Text(row.text), shape: shape) == row.fault, "\(row.text)") }
    }

    @Test("a header without a bearer token") func headers() {
        #expect(KeyFault(header: "Bearer") == .noKey)
        #expect(KeyFault(header: "bearer  ") == .noKey)
        #expect(KeyFault(header: Text(key)) == .noScheme)
        #expect(KeyFault(header: "Basic abc") == .otherScheme)
        #expect(KeyFault(header: "Beare\u{301}r x") == .otherScheme)
    }

    @Test("all are one code and one status, as of a key that nobody made") func problems() throws {
        let wanted = Denial.invalidKey.problem
        for fault: KeyFault in [.noKey, .noScheme, .quoted, .checksum, .length(1, wanted: 2), .prefix("sk-")] {
            #expect(fault.problem.status == wanted.status && fault.problem.code == wanted.code)
            #expect(fault.problem.headers == wanted.headers && fault.problem.detail != wanted.detail)
        }
    }
}

@Suite("Addresses of the data plane")
struct GatewayAddressTests {
    @Test(
        "the operation that was meant is named",
        arguments: [
            ("/chat/completions", "/v1/chat/completions"), ("//v1//v1/models", "/v1/models"), ("/usage", "/v1/usage"),
            ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
            (
                "/apps/01a1fd8c-6900-7d4a-9b60-3f2d8c5e1a47/models",
                "/apps/01a1fd8c-6900-7d4a-9b60-3f2d8c5e1a47/v1/models"
            ),
        ])
    func meant(path: String, address: String) {
        #expect(Gateway.serves(path: path))
        #expect(Gateway.absence(at: path)?.detail.contains(" at \(address): ") == true)
    }

    @Test(
        "nothing is said of addresses that are others'",
        arguments: ["/", "/api/v1/models", "/v1x", "/x/models", "/apis"])
    func others(path: String) {
        #expect(!Gateway.serves(path: path))
        #expect(Gateway.absence(at: path) == nil)
    }

    @Test("what is no operation is told which there are", arguments: ["/v1", "/v1/embeddings", "/apps/x"])
    func operations(path: String) {
        #expect(Gateway.absence(at: path)?.detail.contains("POST /v1/chat/completions") == true)
    }
}
