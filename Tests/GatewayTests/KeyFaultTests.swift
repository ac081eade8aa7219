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
