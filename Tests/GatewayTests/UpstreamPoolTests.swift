import Catalog
import NIOCore
import NIOEmbedded
import Policy
import Testing

@testable import Gateway

@Suite("Connections to upstreams")
struct UpstreamPoolTests {
    private static let short = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    @Test("a request and its answer; the connection serves the next one") func reuse() throws {
        let bench = UpstreamBench()
        let (_, first, channel) = try bench.sendOnNew()
        #expect(try channel.sent() == "POST / HTTP/1.1\r\n\r\n{}")
        try channel.answer(Self.short)
        #expect(first.isEnded && first.body == "hi" && first.status == 200 && first.length == 2)
        #expect(bench.idle == 1)
        let (_, second) = bench.send("again")
        #expect(bench.dialer.asked.isEmpty)
        #expect(try channel.sent() == "POST / HTTP/1.1\r\n\r\nagain")
        try channel.answer("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        #expect(second.isEnded && second.body == "abc" && second.status == 404 && second.length == nil)
        #expect(bench.pool.underWay == 0)
    }

    @Test(
        "a connection is not used again after",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            // Two answers for one request.
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\r\n",
            // It says itself that it will close at once.
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=1\r\n\r\nhi",
        ])
    func notReused(answer: String) throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        try channel.answer(answer)
        #expect(heard.isEnded && heard.body == "hi")
        #expect(bench.connections == 0)
        bench.loop.run()
        #expect(!channel.isActive)
    }

    @Test("bytes that nobody asked for end an idle connection") func unasked() throws {
        let bench = UpstreamBench()
        let (_, _, channel) = try bench.sendOnNew()
        try channel.answer(Self.short)
        try channel.answer(Self.short)
        #expect(bench.connections == 0)
        _ = bench.send()
        #expect(bench.dialer.asked.count == 1)
    }

    @Test("an idle connection that the upstream ends is forgotten") func idleEnd() throws {
        let bench = UpstreamBench()
        let (_, _, channel) = try bench.sendOnNew()
        try channel.answer(Self.short)
        try channel.close().wait()
        bench.loop.run()
        #expect(bench.connections == 0)
    }

    @Test(
        "idle connections go after their time, sooner if the upstream says so",
        arguments: [("", 30), ("Keep-Alive: timeout=5\r\n", 4)])
    func idleTime(field: String, seconds: Int64) throws {
        let bench = UpstreamBench()
        let (_, _, channel) = try bench.sendOnNew()
        try channel.answer("HTTP/1.1 200 OK\r\n\(field)Content-Length: 0\r\n\r\n")
        bench.loop.advanceTime(by: .seconds(seconds) - .milliseconds(500))
        #expect(bench.idle == 1)
        bench.loop.advanceTime(by: .seconds(1))
        #expect(bench.connections == 0)
        #expect(!channel.isActive)
    }

    @Test("a written request is not sent again when the connection ends before an answer") func neverTwice() throws {
        let bench = UpstreamBench()
        let (_, _, channel) = try bench.sendOnNew()
        try channel.answer(Self.short)
        let (_, heard) = bench.send("paid")
        try channel.close().wait()
        bench.loop.run()
        #expect(heard.failure == .failed("it closed the connection before its answer"))
        #expect(bench.dialer.asked.isEmpty)
    }

    @Test("a connection that breaks while the request is written is told after send has returned, unless cancelled")
    func brokenInSend() throws {
        let bench = UpstreamBench()
        for cancels in [false, true] {
            let (_, _, channel) = try bench.sendOnNew()
            try channel.answer(Self.short)
            try channel.breakOnWrite()
            let (exchange, heard) = bench.send("paid")
            #expect(heard.failure == nil)
            #expect(bench.connections == 0 && bench.pool.underWay == 0)
            if cancels { exchange.cancel() }
            bench.loop.run()
            #expect((heard.failure?.how == "the connection broke before its answer: Broken pipe") == !cancels)
            #expect(bench.dialer.asked.isEmpty, "a written request is not sent again")
        }
    }

    @Test(
        "an answer that is cut off is a failure",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
        ])
    func cutOff(answer: String) throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        try channel.answer(answer)
        #expect(heard.body == "hi")
        try channel.close().wait()
        bench.loop.run()
        #expect(heard.failure == .failed("it closed the connection in the middle of its answer"))
    }

    @Test("an answer without a length ends with the connection, unless that broke") func untilClose() throws {
        let bench = UpstreamBench()
        let (_, whole, first) = try bench.sendOnNew()
        try first.answer("HTTP/1.1 200 OK\r\n\r\nhi")
        #expect(!whole.isEnded)
        try first.close().wait()
        bench.loop.run()
        #expect(whole.isEnded && whole.body == "hi")
        let (_, broken, second) = try bench.sendOnNew()
        try second.answer("HTTP/1.1 200 OK\r\n\r\nhi")
        second.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
        bench.loop.run()
        #expect(broken.failure == .failed("the connection broke in the middle of its answer: Connection reset by peer"))
    }

    @Test(
        "what is not HTTP/1.1 is a failure and the end of the connection",
        arguments: [
            "HTTP/1.1 000 X\r\n\r\n", "HTTP/1.1 99 X\r\n\r\n", "HTTP/2 200\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        ])
    func malformed(answer: String) throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        try channel.answer(answer)
        #expect(heard.failure?.denial == .upstreamFailed)
        #expect(heard.failure?.how.hasPrefix("an answer that is not HTTP/1.1") == true)
        bench.loop.run()
        #expect(!channel.isActive)
        #expect(bench.connections == 0 && bench.pool.underWay == 0)
    }

    @Test("an answer beyond the bound, with its length said or not") func bound() throws {
        let bench = UpstreamBench { $0.answerBytes = 10 }
        let (_, said, first) = try bench.sendOnNew()
        try first.answer("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n")
        #expect(said.failure == .failed("an answer of 11 bytes", .answerTooLarge))
        #expect(said.status == nil)
        let (_, grown, second) = try bench.sendOnNew()
        try second.answer("HTTP/1.1 200 OK\r\n\r\n0123456789")
        #expect(grown.failure == nil)
        try second.answer("X")
        #expect(grown.failure == .failed("an answer of more than 10 bytes", .answerTooLarge))
        #expect(grown.body == "0123456789")
    }

    // MARK: Deadlines

    @Test("no connection in time, and one that comes later serves somebody else") func connectionLate() throws {
        let bench = UpstreamBench()
        let (_, heard) = bench.send()
        bench.loop.advanceTime(by: .seconds(4))
        #expect(heard.failure == .late("no connection within 1000 ms"))
        _ = try bench.dialer.connect()
        #expect(bench.idle == 1)
    }

    @Test("no head in time") func headLate() throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        for _ in 0..<41 where heard.failure == nil {
            bench.loop.advanceTime(by: .milliseconds(250))
            try channel.answer("HTTP/1.1 100 Wait\r\n\r\n")
        }
        #expect(heard.failure == .late("no answer within 10000 ms") || heard.failure?.denial == .upstreamFailed)
        #expect(!channel.isActive)
    }

    @Test("silence in the middle of an answer, but not while nobody reads") func silence() throws {
        let bench = UpstreamBench()
        let (exchange, heard, channel) = try bench.sendOnNew()
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi")
        exchange.pauseReading()
        bench.loop.advanceTime(by: .seconds(20))
        #expect(heard.failure == nil)
        exchange.resumeReading()
        bench.loop.advanceTime(by: .seconds(4))
        #expect(heard.failure == .late("silent for 3000 ms in the middle of its answer"))
        #expect(!channel.isActive)
    }

    @Test("the end of the whole call") func total() throws {
        let bench = UpstreamBench()
        let (_, heard) = bench.send(total: .seconds(2))
        let channel = try bench.dialer.connect()
        try channel.answer("HTTP/1.1 200 OK\r\n\r\n")
        for _ in 0..<10 where heard.failure == nil {
            bench.loop.advanceTime(by: .milliseconds(250))
            if heard.failure == nil { try channel.answer(".") }
        }
        #expect(heard.failure == .late("not over after 2000 ms"))
    }

    @Test("a pool without work does not tick") func sleeps() throws {
        let bench = UpstreamBench()
        let (_, _, channel) = try bench.sendOnNew()
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        bench.loop.advanceTime(by: .seconds(1))
        var isIdle = true
        // A task that ticks would be run by this.
        bench.loop.advanceTime(by: .hours(1))
        isIdle = bench.pool.underWay == 0
        #expect(isIdle)
        let (_, again, second) = try bench.sendOnNew()
        try second.answer(Self.short)
        #expect(again.isEnded)
    }

    // MARK: Waiting

    @Test("calls wait for a connection, in order, and no more of them than may") func waiting() throws {
        let bench = UpstreamBench {
            $0.connections = 1
            $0.waiting = 2
        }
        let (_, first, channel) = try bench.sendOnNew()
        let (second, third) = (bench.send("second"), bench.send("third"))
        #expect(bench.dialer.asked.isEmpty)
        let (_, fourth) = bench.send("fourth")
        #expect(fourth.failure == nil, "nothing is told before send has returned")
        bench.loop.run()
        #expect(fourth.failure?.denial == .overloaded)
        _ = try channel.sent()
        try channel.answer(Self.short)
        #expect(first.isEnded)
        #expect(try channel.sent().hasSuffix("second"))
        second.0.cancel()
        bench.loop.run()
        #expect(!channel.isActive, "a cancelled call's connection is not used again")
        let other = try bench.dialer.connect()
        #expect(try other.sent().hasSuffix("third"))
        try other.answer(Self.short)
        #expect(third.1.isEnded)
        #expect(second.1.failure == nil && !second.1.isEnded)
    }

    @Test("who leaves while waiting is not served") func leftWaiting() throws {
        let bench = UpstreamBench()
        let (exchange, heard) = bench.send()
        exchange.cancel()
        let channel = try bench.dialer.connect()
        #expect(try channel.sent() == "")
        #expect(bench.idle == 1 && bench.pool.underWay == 0)
        #expect(heard.failure == nil)
    }

    @Test("a connection that can't be made fails one call with its reason") func noConnection() throws {
        let bench = UpstreamBench()
        let (first, second) = (bench.send().1, bench.send().1)
        try #require(bench.dialer.asked.count == 2)
        bench.dialer.asked.removeFirst().fail(UpstreamFailure.failed("no connection to its port: Connection refused"))
        #expect(first.failure == .failed("no connection to its port: Connection refused"))
        #expect(second.failure == nil)
        bench.dialer.asked.removeFirst().fail(ChannelError.eof)
        #expect(second.failure?.denial == .upstreamFailed)
        #expect(bench.connections == 0)
    }

    // MARK: Backpressure

    @Test("chunks that come together are given on together, and the end after them") func together() throws {
        let bench = UpstreamBench()
        let (exchange, heard, channel) = try bench.sendOnNew()
        var pieces: [String] = []
        heard.onBody = {
            pieces.append(heard.body)
            exchange.pauseReading()
        }
        try channel.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
        #expect(pieces == ["ab"] && !heard.isEnded)
        exchange.resumeReading()
        #expect(heard.isEnded)
    }

    @Test("what comes before a fault is given on before it is told") func beforeFault() throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        try channel.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\nnonsense\r\n")
        #expect(heard.body == "ab")
        #expect(heard.failure == .failed("an answer that is not HTTP/1.1: chunk", .notHTTP))
    }

    @Test("nothing is read while nobody takes it") func paused() throws {
        let bench = UpstreamBench()
        let (exchange, heard, channel) = try bench.sendOnNew()
        heard.onBody = { exchange.pauseReading() }
        let before = try channel.reads()
        try channel.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        try channel.answer("1\r\nb\r\n0\r\n\r\n")
        #expect(heard.body == "a")
        #expect(try channel.reads() == before, "no further bytes are asked for")
        exchange.resumeReading()
        #expect(heard.body == "ab" && !heard.isEnded)
        exchange.resumeReading()
        #expect(heard.isEnded)
    }

    @Test("what came before the end is given on when it is asked for") func pausedAtEnd() throws {
        let bench = UpstreamBench()
        let (exchange, heard, channel) = try bench.sendOnNew()
        exchange.pauseReading()
        try channel.answer("HTTP/1.1 200 OK\r\n\r\nlast words")
        try channel.close().wait()
        bench.loop.run()
        #expect(heard.status == nil && heard.failure == nil)
        exchange.resumeReading()
        #expect(heard.isEnded && heard.body == "last words")
    }

    @Test("a listener may pause, resume and cancel from within what it hears") func reentrant() throws {
        let bench = UpstreamBench()
        let (exchange, heard, channel) = try bench.sendOnNew()
        heard.onBody = {
            exchange.pauseReading()
            exchange.resumeReading()
            if heard.body.count == 2 { exchange.cancel() }
        }
        try channel.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        #expect(heard.body == "a")
        try channel.answer("1\r\nb\r\n")
        #expect(heard.body == "ab" && !heard.isEnded && heard.failure == nil)
        bench.loop.run()
        #expect(!channel.isActive)
        #expect(bench.connections == 0)
    }

    @Test("a listener may send the next request when it hears the end") func next() throws {
        let bench = UpstreamBench()
        let (_, first, channel) = try bench.sendOnNew()
        var second: HeardAnswer?
        first.onEnd = { second = bench.send("next").1 }
        try channel.answer(Self.short)
        #expect(try channel.sent().hasSuffix("next"))
        try channel.answer(Self.short)
        #expect(second?.isEnded == true)
        #expect(bench.idle == 1)
    }

    // MARK: Compression

    @Test(
        "a compressed answer comes decompressed, and its length is not known",
        arguments: [("gzip", 31), ("deflate", 15), ("X-GZIP", 31)])
    func compressed(name: String, windowBits: Int32) throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        let body = InflaterTests.compressed(Array("in a few words".utf8), windowBits: windowBits)
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Encoding: \(name)\r\nContent-Length: \(body.count)\r\n\r\n")
        for byte in body { try channel.writeInbound(ByteBuffer(bytes: [byte])) }
        #expect(heard.isEnded && heard.body == "in a few words" && heard.length == nil)
        #expect(bench.idle == 1)
    }

    @Test("a compressed answer is paused between its pieces, and bounded as it is when expanded") func bomb() throws {
        let bench = UpstreamBench { $0.answerBytes = 100_000 }
        let (exchange, heard, channel) = try bench.sendOnNew()
        heard.onBody = { exchange.pauseReading() }
        let body = InflaterTests.compressed([UInt8](repeating: 97, count: 10 << 20), windowBits: 31)
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        try channel.writeInbound(ByteBuffer(bytes: body))
        #expect(heard.body.utf8.count == Inflater.piece)
        for _ in 0..<4 { exchange.resumeReading() }
        #expect(heard.failure == .failed("an answer of more than 100000 bytes", .answerTooLarge))
        #expect(heard.body.utf8.count <= 100_000)
    }

    @Test("a body that expands to much lets others have the event loop in between") func burst() throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        let size = 2 << 20
        let body = InflaterTests.compressed([UInt8](repeating: 97, count: size), windowBits: 31)
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n")
        try channel.writeInbound(ByteBuffer(bytes: body))
        #expect(heard.bytes.count < size && heard.failure == nil)
        bench.loop.run()
        #expect(heard.bytes.count < size, "tasks alone would keep the loop from its sockets")
        bench.loop.advanceTime(by: .seconds(1))
        #expect(heard.isEnded && heard.bytes.count == size)
        #expect(bench.idle == 1)
    }

    @Test(
        "compression that can't be undone",
        arguments: [
            ("br", "an answer that is compressed with br, though that was not asked for"),
            ("zstd", "an answer that is compressed with zstd, though that was not asked for"),
            ("gzip, gzip", "an answer that is compressed in a way not known here, though that was not asked for"),
            ("gzip", "an answer whose compression is malformed"),
        ])
    func notUndone(name: String, how: String) throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Encoding: \(name)\r\nContent-Length: 5\r\n\r\nplain")
        #expect(heard.failure == .failed(how, .notOpenAI))
    }

    @Test("a compressed answer that is cut off inside must not look whole") func cutCompression() throws {
        let bench = UpstreamBench()
        let (_, heard, channel) = try bench.sendOnNew()
        let body = InflaterTests.compressed(Array("in a few words".utf8), windowBits: 31).dropLast(9)
        try channel.answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n")
        try channel.writeInbound(ByteBuffer(bytes: body))
        #expect(heard.failure == .failed("an answer whose compressed body is cut off"))
        #expect(bench.connections == 0)
    }

    @Test("a pool that is closed ends what is under way and what is idle") func closed() throws {
        let bench = UpstreamBench()
        let (_, _, idle) = try bench.sendOnNew()
        let (_, heard, used) = try bench.sendOnNew()
        try idle.answer(Self.short)
        bench.pool.close()
        bench.loop.run()
        #expect(heard.failure == .failed("the server is stopping"))
        #expect(!idle.isActive && !used.isActive)
        #expect(bench.connections == 0 && bench.pool.underWay == 0)
    }
}
