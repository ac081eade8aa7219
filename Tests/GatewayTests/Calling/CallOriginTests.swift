import NIOCore
import Secrets
import TestSupport
import Testing
import Values
import Wire

@testable import Gateway

@Suite("Which page a call comes from")
struct CallOriginTests {
    private let passes = DeploymentSecrets.test.pagePasses
    private let now = Timestamp(microseconds: 1_780_315_200_000_000)
    private let page = ("Origin", "https://latchkey.example")
    private let here = ("Sec-Fetch-Site", "same-origin")

    private var pass: (String, String) { ("X-Latchkey-Pass", passes.issue(at: now)) }

    private func origin(_ fields: [(String, String)], after seconds: Int64 = 0) throws -> WebOrigin {
        var bytes = ByteBuffer(string: "POST /v1/chat/completions HTTP/1.1\r\nHost: latchkey.example\r\n")
        for (name, value) in fields { bytes.writeString("\(name): \(value)\r\n") }
        bytes.writeString("\r\n")
        var reader = RequestReader()
        guard case .head(let head)? = try reader.next(from: &bytes) else { throw Unread() }
        return head.fields.origin(passes, at: now.adding(.seconds(seconds)))
    }

    private struct Unread: Error {}

    @Test("a page of the console is known by its pass, together with what only a browser says") func console() throws {
        #expect(try origin([page, here, pass]) == .console(HostName("latchkey.example")))
        #expect(try origin([("Origin", "http://[::1]:8080"), here, pass]) == .console(nil))
        #expect(try origin([here, pass]) == .console(nil))
    }

    @Test("a pass alone, an old one, a false one or one on another page changes nothing") func others() throws {
        let host = WebOrigin.host(try #require(HostName("latchkey.example")))
        #expect(try origin([page, here]) == host)
        #expect(try origin([page, pass]) == host)
        #expect(try origin([page, here, pass], after: 61) == host)
        #expect(try origin([page, here, ("X-Latchkey-Pass", "1780315260.AAAA")]) == host)
        for site in ["same-site", "cross-site", "none", "Same-Origin"] {
            #expect(try origin([page, ("Sec-Fetch-Site", site), pass]) == host)
        }
        #expect(try origin([page, page, here, pass]) == .unknown)
        #expect(try origin([pass]) == .none)
    }
}
