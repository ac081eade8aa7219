import HTTP
import HTTPTypes
import NIOCore
import Wire

@testable import Line

/// A connection without a socket: bytes and ticks go in, and what is to be done comes out as short words.
struct Talk {
    var state: LineState
    var isWritable = true
    /// How many messages each of these may begin.
    var turns = Int.max
    private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    init(_ change: (inout LineBounds) -> Void = { _ in }) {
        var bounds = LineBounds()
        change(&bounds)
        state = LineState(bounds: bounds)
    }

    /// What is to be done after these bytes.
    mutating func hear(_ text: String) -> [String] {
        state.received(ByteBuffer(string: text))
        return steps()
    }

    /// All that is to be done now.
    mutating func steps() -> [String] {
        var words: [String] = []
        var turns = turns
        while let step = state.next(isWritable: isWritable, turns: &turns) { words.append(Self.word(step)) }
        return words
    }

    /// A whole answer to the message under way, and what is to be done then.
    mutating func answer(_ status: Int = 200, length: Int = 0) -> [String] {
        guard state.begin(answer: status, length: length) != nil else { return ["not owed"] }
        if length > 0, state.write(length) == nil { return ["not written"] }
        return state.end() == nil ? ["not ended"] : steps()
    }

    /// Lets the ticks of so many seconds pass, up to the first at which something is to be done.
    mutating func pass(_ seconds: Int, each: (inout Talk) -> Void = { _ in }) -> [String] {
        for _ in 0..<seconds * 4 {
            now = now + .milliseconds(250)
            if let step = state.tick(now, isWritable: isWritable) { return [Self.word(step)] }
            each(&self)
        }
        return []
    }

    var wantsBytes: Bool { state.wantsBytes(isWritable: isWritable) }

    private static func word(_ step: LineState.Step) -> String {
        switch step {
        case .begin(let head): "begin \(head.method.rawValue) \(String(decoding: head.path, as: UTF8.self))"
        case .deliver(let bytes): "deliver \(bytes.readableBytes)"
        case .deliverEnd: "whole"
        case .callerClosedItsHalf: "half"
        case .refuse(let problem): "refuse \(problem.status.code)"
        case .finish: "finish"
        case .close: "close"
        }
    }
}

extension String {
    static let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    static func post(_ length: Int, _ body: String = "", more: String = "") -> String {
        "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\(more)\r\n\(body)"
    }
}
