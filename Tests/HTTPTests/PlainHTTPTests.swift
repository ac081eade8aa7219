import HTTP
import HTTPTypes
import Testing

@Suite("Sign-ins whose cookie gets lost")
struct PlainHTTPTests {
    private func loses(
        origin: String? = nil, proto: String? = nil, host: String? = "192.168.1.5:8080", peer: String = "192.168.1.9"
    ) throws -> Bool {
        var headers = HTTPFields()
        headers[.origin] = origin
        if let proto { headers[try #require(HTTPField.Name("X-Forwarded-Proto"))] = proto }
        return PlainHTTP.losesCookies(headers, authority: host, peer: peer)
    }

    @Test("a browser tells by the scheme of its page") func browsers() throws {
        #expect(try loses(origin: "http://192.168.1.5:8080"))
        #expect(try loses(origin: "http://keys.example.com"))
        #expect(try loses(origin: "http://localhost.example.com"))
        #expect(try loses(origin: "http://keys.example.com", peer: "127.0.0.1"))
        #expect(try !loses(origin: "https://keys.example.com"))
        for host in [
            "localhost", "localhost:8080", "app.localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]",
        ] {
            #expect(try !loses(origin: "http://\(host)"), "\(host)")
        }
    }

    @Test("anything else is judged by the way it came") func others() throws {
        #expect(try loses())
        #expect(try loses(host: "keys.lan"))
        #expect(try loses(host: nil))
        #expect(try !loses(peer: "127.0.0.1"))
        #expect(try !loses(peer: "::1"))
        #expect(try !loses(peer: ""))
        #expect(try !loses(proto: "https"))
        #expect(try !loses(proto: "HTTPS"))
        #expect(try loses(proto: "http"))
        #expect(try !loses(host: "localhost:8080"))
    }
}
