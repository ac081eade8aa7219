import TestSupport

@testable import Wire

/// Makes messages, most of them nearly right, from a seed.
struct Grammar {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// One to four requests in a row, and mostly some damage.
    mutating func requests() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0...random.below(4) { bytes += Array(request().utf8) }
        return damaged(bytes)
    }

    /// An answer, perhaps with interim ones before and something behind it, and mostly some damage.
    mutating func answer() -> [UInt8] {
        var text = ""
        while random.chance(15) {
            text +=
                "HTTP/1.1 \(random.pick(["100 Continue", "102 ", "103 Early Hints", "101 X"]))\r\n" + fields(2) + "\r\n"
        }
        text += response()
        if random.chance(10) { text += response() }
        return damaged(Array(text.utf8))
    }

    /// How many bytes come at a time.
    mutating func cuts() -> [Int] { (0...random.below(4)).map { _ in 1 + random.below(random.pick([1, 3, 40, 400])) } }

    /// Whether the answer is one to `HEAD`.
    mutating func isOfHead() -> Bool { random.chance(15) }

    private mutating func request() -> String {
        let method = random.chance(80) ? random.pick(["GET", "POST"]) : random.pick(RequestMethod.allCases).rawValue
        let target = random.pick([
            "/", "/v1/chat/completions", "/v1/models?limit=3", "/a?b?c=%20", "//x/", "/%", "/a;b=c?", "*",
            "/{}|^`<>\"\\",
            "http://host/v1", "HTTP://h:80", "https://h?q", "http://[::1]:8080/x?y", "/a@b:c", "/?http://x",
        ])
        let version = random.chance(85) ? "HTTP/1.1" : "HTTP/1.0"
        var head = "\(method) \(target) \(version)\r\n"
        if random.chance(95) {
            head += "\(random.pick(["Host", "host", "HOST"])): \(random.pick(["h", "h:80", "[::1]:1"]))\r\n"
        }
        head += fields(4)
        let (framing, body) = framed(random.chance(40) ? "" : "none")
        return (random.chance(3) ? "\r\n" : "") + head + framing + (random.chance(20) ? fields(2) : "") + "\r\n" + body
    }

    private mutating func response() -> String {
        let status = random.pick([
            "200 OK", "200 OK", "200 OK", "200 OK", "200 OK", "200 OK", "200", "200 ", "204 No Content",
            "304 Not Modified",
            "201 \u{e9}", "404 Not Found", "500 a b", "599 x", "429\tx", "000 X", "600 y",
        ])
        let (framing, body) = framed("close")
        return "\(random.chance(90) ? "HTTP/1.1" : "HTTP/1.0") \(status)\r\n" + fields(4) + framing + "\r\n" + body
    }

    /// The fields that say where a body ends, and that body.
    private mutating func framed(_ otherwise: String) -> (fields: String, body: String) {
        let body = String(repeating: random.pick(["x", "{\"a\":1}", "\r\n", "0\r\n\r\n"]), count: random.below(12))
        switch random.below(otherwise == "none" ? 10 : 4) {
        case 0:
            let name = random.pick(["Content-Length", "content-length", "CONTENT-LENGTH"])
            return (
                "\(name):\(random.pick([" ", "", "\t", "  "]))\(random.pick(["", "", "0"]))\(body.utf8.count)\r\n", body
            )
        case 1:
            let name = random.pick(["Transfer-Encoding", "transfer-encoding"])
            return ("\(name): \(random.pick(["chunked", "chunked", "Chunked", "CHUNKED "]))\r\n", chunked(body))
        case 2:
            let field = random.pick([
                "Content-Length: +3", "Content-Length: 3, 3", "Content-Length: 3\r\nContent-Length: 3",
                "Content-Length: 0x3",
                "Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Length: 3\r\nTransfer-Encoding: chunked",
                "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked",
                "Transfer-Encoding: identity",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked",
                "Content-Length: ",
                "Content-Length: 18446744073709551619", "Transfer-Encoding:\u{b}chunked", "Content-Length: 3 ",
                "Content-Length: 3\t", "Content-Length: 3 \t ",
                "Content-Length: -1", "Content-Length: 3;", "Transfer-Encoding: ", "Transfer-Encoding: chunked;q=1",
            ])
            return (field + "\r\n", random.chance(50) ? "abc" : "3\r\nabc\r\n0\r\n\r\n")
        default: return ("", otherwise == "close" ? body : "")
        }
    }

    private mutating func chunked(_ body: String) -> String {
        var rest = Array(body.utf8)[...]
        var text = ""
        while !rest.isEmpty {
            let part = rest.prefix(1 + random.below(10))
            rest = rest.dropFirst(part.count)
            let size = String(part.count, radix: 16, uppercase: random.chance(50))
            text += (random.chance(10) ? "000" : "") + size + chunkExtension() + "\r\n"
            text += String(decoding: part, as: UTF8.self) + "\r\n"
        }
        return text + "0" + chunkExtension() + "\r\n" + (random.chance(15) ? fields(2) : "") + "\r\n"
    }

    private mutating func chunkExtension() -> String {
        guard random.chance(12) else { return "" }
        return random.pick([
            ";a", ";a=b", ";a=\"b c\"", ";a=\"b\";c", ";a=\"\\\"\"", ";", ";=", " ;a", "; a", ";a =b", " ", ";a=\"",
            ";a=b\"", ";a=\"\u{e9}\"",
        ])
    }

    private mutating func fields(_ most: Int) -> String {
        var text = ""
        for _ in 0..<random.below(most + 1) {
            text +=
                random.pick([
                    "Accept: */*", "Authorization: Bearer sk-abc", "Connection: close", "Connection: keep-alive",
                    "connection: Keep-Alive, close", "Connection: Upgrade, HTTP2-Settings", "Connection: TE",
                    "Connection: ,close",
                    "Proxy-Connection: close", "Proxy-Connection: keep-alive", "Upgrade: h2c", "Upgrade: websocket",
                    "Expect: 100-continue", "Expect: ", "Expect: x", "X-Empty:", "X-Tab:\ta\tb\t", "x-latin: caf\u{e9}",
                    "A:b:c",
                    "Content-Type: application/json", "!#$%&'*+-.^_`|~: 1", "X: \"\\\r\n folded", "X : y", "X", ": y",
                    "Host: h", "Keep-Alive: 5",
                    "Trailer: X", "Connection: closed", "Connection: close x", "Connection: close,",
                    "Connection: keep-alive close",
                ]) + "\r\n"
        }
        return text
    }

    private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        guard random.chance(60) else { return bytes }
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(8) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(random.below(256))
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(5)))
            case 3: bytes.removeSubrange(place...)
            case 4: bytes.insert(random.pick([0x00, 0x09, 0x0A, 0x0B, 0x0D, 0x20, 0x7F, 0x80, 0xFF]), at: place)
            case 5: bytes.insert(contentsOf: random.pick(Self.words).utf8, at: place)
            case 6: twice(&bytes, place)
            default: bytes += bytes[place...]
            }
        }
        return bytes
    }

    /// The line at this place once more.
    private func twice(_ bytes: inout [UInt8], _ place: Int) {
        let start = bytes[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let end = bytes[place...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
        bytes.insert(contentsOf: bytes[start..<end], at: end)
    }

    private static let words = [
        "\r\n", "\n", "\r", "\r\r\n", "\n\r\n", "\r\n\r\n", " ", "\t", ":", ",", ";", "0", "0\r\n\r\n", "5\r\n",
        "chunked", "gzip, ", "close", "+", "-",
        "0x", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding\r\n : chunked\r\n",
        "Host: x\r\n", "HTTP/1.1", "HTTP/1.0",
        "HTTP/1.2", "HTTP/2.0", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "Connection: close\r\n", "Upgrade: h2c\r\n",
        "http://", "#", "?", "@", "%00", "\u{0}", "\u{b}", "\u{85}", "\u{feff}", "100-continue", "Connection: \r\n",
    ]
}
