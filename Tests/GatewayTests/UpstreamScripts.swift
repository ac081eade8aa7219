import NIOCore
import TestSupport

/// Answers of upstreams, by seed: right ones, of which is known what they say, and hostile ones.
enum UpstreamScripts {
    /// A right answer, however odd.
    struct Right {
        var acts: [Act]
        var status: Int
        var body: [UInt8]
    }

    static func right(seed: UInt64) -> Right {
        var random = SplitMix64(seed: seed)
        let answer = answer(&random)
        let acts = cut(answer.bytes, &random) + (answer.closes ? [.close] : [])
        return Right(acts: acts, status: answer.status, body: answer.body)
    }

    /// Anything: what comes of it is a failure, or an answer that happens to be right.
    static func hostile(seed: UInt64) -> [Act] {
        var random = SplitMix64(seed: seed)
        switch random.below(14) {
        case 0: return cut(Array(random.pick(oddHeads).utf8), &random) + ending(&random)
        case 1:
            return [.send((0..<random.below(2_000)).map { _ in UInt8(truncatingIfNeeded: random.next()) })]
                + ending(&random)
        case 2: return [.send(random.pick(openEnds)), .flood(random.below(4 << 20))] + ending(&random)
        case 3: return ending(&random)
        case 4:
            // Two answers, at once or one after the other.
            let (first, second) = (answer(&random), answer(&random))
            return cut(first.bytes, &random) + cut(second.bytes, &random) + ending(&random)
        case 5:
            let whole = answer(&random).bytes
            return cut(Array(whole.prefix(random.below(whole.count))), &random) + ending(&random)
        default:
            var bytes = answer(&random).bytes
            for _ in 0...random.below(3) { mutate(&bytes, &random) }
            return cut(bytes, &random) + ending(&random)
        }
    }

    // MARK: Right answers

    private static func answer(_ random: inout SplitMix64) -> (bytes: [UInt8], status: Int, body: [UInt8], closes: Bool)
    {
        let status = random.pick([200, 200, 200, 201, 299, 400, 404, 429, 500, 503, 599, 204, 304])
        var head = ""
        for _ in 0..<(random.chance(20) ? random.below(4) : 0) {
            head += random.pick(["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"])
        }
        head += "HTTP/1.1 \(status)\(random.pick([" OK", " ", " Not At All Well"]))\r\n"
        for index in 0..<random.below(6) {
            head += "X-Field-\(index):\(random.pick(["", " ", "  \t"]))\(random.pick(["", "a", "a, b;c=\"d\""]))\r\n"
        }
        let hasBody = status != 204 && status != 304
        let letters = Array("data: {\"a\": 1}\r\n\r\n0\r\n".utf8)
        var body: [UInt8] = []
        if hasBody {
            body = (0..<random.below(1_000)).map { _ in random.pick(letters) }
            if random.chance(5) { body = [[UInt8]](repeating: body, count: 200).flatMap { $0 } }
        }
        var sent = body
        if hasBody, random.chance(20) {
            let coding = random.pick([("gzip", Int32(31)), ("deflate", 15), ("deflate", -15)])
            sent = InflaterTests.compressed(body, windowBits: coding.1)
            head += "Content-Encoding: \(coding.0)\r\n"
        }
        var closes = random.chance(20)
        if closes { head += "Connection: close\r\n" }
        guard hasBody else { return (Array((head + "\r\n").utf8), status, body, closes) }
        switch random.below(3) {
        case 0: head += "Content-Length: \(sent.count)\r\n\r\n"
        case 1:
            head += "Transfer-Encoding: chunked\r\n\r\n"
            sent = chunked(sent, &random)
        default:
            head += "\r\n"
            closes = true
        }
        return (Array(head.utf8) + sent, status, body, closes)
    }

    private static func chunked(_ body: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = body[...]
        while !rest.isEmpty {
            let part = rest.prefix(1 + random.below(random.chance(50) ? 20 : 20_000))
            rest = rest.dropFirst(part.count)
            let size = String(part.count, radix: 16, uppercase: random.chance(50))
            bytes += Array("\(random.chance(20) ? "0" : "")\(size)\(random.chance(10) ? ";a=b" : "")\r\n".utf8) + part
            bytes += [13, 10]
        }
        return bytes + Array("0\r\n\(random.chance(20) ? "X-Trailer: 1\r\n" : "")\r\n".utf8)
    }

    /// The bytes in parts, some of them after a pause.
    private static func cut(_ bytes: [UInt8], _ random: inout SplitMix64) -> [Act] {
        var acts: [Act] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let isSmall = acts.count < 40 && random.chance(50)
            let part = rest.prefix(isSmall ? 1 + random.below(60) : rest.count)
            rest = rest.dropFirst(part.count)
            acts.append(.send(Array(part)))
            if random.chance(10) { acts.append(.wait(.milliseconds(Int64(random.below(8))))) }
        }
        return acts
    }

    // MARK: Hostile ones

    private static let oddHeads = [
        "HTTP/1.1 000 X\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 1000 X\r\n\r\n", "HTTP/1.1 -1 X\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "HTTP/3 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx", "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=99999999999999999999\r\nContent-Length: 0\r\n\r\n",
    ]

    private static let openEnds = [
        "", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
    ]

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        guard !bytes.isEmpty else { return }
        // Mostly in the head, where there is more to break.
        let place = random.below(random.chance(70) ? min(bytes.count, 200) : bytes.count)
        switch random.below(6) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[place] ^= 1 << UInt8(random.below(8))
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(30)))
        case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + random.below(60))], at: place)
        case 4: bytes.insert(random.pick([0, 9, 10, 13, 32, 58, 59, 44, 48, 127, 255]), at: place)
        default: bytes.insert(contentsOf: Array(random.pick(oddHeads).utf8), at: place)
        }
    }

    private static func ending(_ random: inout SplitMix64) -> [Act] {
        switch random.below(6) {
        case 0: [.close]
        case 1: [.reset]
        case 2: [.closeOutput]
        case 3: [.wait(.milliseconds(Int64(random.below(20)))), .reset]
        // It goes on as if nothing had been.
        case 4: []
        // Silence until the other side has enough.
        default: [.wait(.milliseconds(500)), .close]
        }
    }
}
