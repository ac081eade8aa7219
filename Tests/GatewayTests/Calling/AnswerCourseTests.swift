import HTTP
import HTTPTypes
import NIOCore
import Policy
import Testing
import Values

@testable import Gateway

/// What becomes of an answer, step by step, without a socket.
struct AnswerCourseTests {
    private static let answer =
        #"{"id":"1","model":"inner","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"}}]}"#
    private static let role =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    private static let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    private static let done = "data: [DONE]\n\n"

    private let start = NIODeadline.uptimeNanoseconds(0)

    private func course(isStreamAsked: Bool = false, wholeLimit: Int = 1024, renamed: Bool = false)
        -> AnswerCourse
    {
        AnswerCourse(
            OpenAIChat(), renaming: renamed ? ModelRenaming("public", upstreamName: "inner") : nil,
            isStreamAsked: isStreamAsked, wholeLimit: wholeLimit, isField: { _ in false })
    }

    /// Takes all steps that may be taken now, in words.
    private func steps(_ course: inout AnswerCourse, isWritable: Bool = true) -> [String] {
        var words: [String] = []
        while let step = course.next(isWritable: isWritable) {
            switch step {
            case .charge(let whole): words.append(whole == nil ? "charge" : "charge whole")
            case .answer(let bytes): words.append("answer " + String(buffer: bytes))
            case .open(let isStream, let length):
                words.append("open" + (isStream ? " stream" : "") + (length.map { " \($0)" } ?? ""))
            case .pass(let bytes): words.append("pass " + String(buffer: bytes))
            case .end: words.append("end")
            case .refuse(let refusal): words.append("refuse \(refusal.problem.status.code) \(refusal.problem.code)")
            case .rupture(let bytes, _): words.append("rupture " + (bytes.readableBytes > 0 ? "told" : ""))
            case .abort: words.append("abort")
            }
        }
        return words
    }

    private func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    // MARK: Whole answers

    @Test func aWholeAnswerGoesOutWhenItsChargeIsDurable() {
        var course = course()
        course.begin(status: 200, label: "application/json", retryAfter: nil, length: nil)
        course.take(bytes(String(Self.answer.prefix(10))), at: start)
        course.take(bytes(String(Self.answer.dropFirst(10))), at: start)
        #expect(steps(&course) == [])
        course.ended()
        #expect(steps(&course) == ["charge whole"])
        #expect(course.isServed)
        course.charged(true)
        #expect(steps(&course) == ["answer " + Self.answer])
        #expect(course.isOver)
    }

    @Test func theModelHasItsPublicName() {
        var course = course(renamed: true)
        course.begin(status: 200, label: nil, retryAfter: nil, length: nil)
        course.take(bytes(Self.answer), at: start)
        course.ended()
        _ = steps(&course)
        course.charged(true)
        #expect(steps(&course) == ["answer " + Self.answer.replacing("inner", with: "public")])
    }

    @Test(arguments: ["", "<html>", "{}", #"{"choices":[]}"#, #"{"error":{"message":"no"}}"#, #"{"choices":[{"mess"#])
    func whatIsNoAnswerIsRefusedWithoutACharge(_ body: String) {
        var course = course()
        course.begin(status: 200, label: "application/json", retryAfter: nil, length: nil)
        if !body.isEmpty { course.take(bytes(body), at: start) }
        course.ended()
        #expect(steps(&course) == ["refuse 502 upstream_failed"])
        #expect(!course.isServed && course.isOver)
    }

    @Test func anAnswerThatBreaksOffIsRefused() {
        var course = course()
        course.begin(status: 200, label: "application/json", retryAfter: nil, length: 500)
        course.take(bytes(Self.answer), at: start)
        course.failed(UpstreamFailure(.upstreamTimeout, "nothing more came"))
        #expect(steps(&course) == ["refuse 504 upstream_timeout"])
    }

    @Test func aLongAnswerIsChargedAtItsContentAndFlowsThen() {
        let long = Self.answer.dropLast() + #","more":""# + String(repeating: "x", count: 2000)
        var course = course()
        course.begin(status: 200, label: "application/json", retryAfter: nil, length: long.utf8.count + 2)
        course.take(bytes(String(long)), at: start)
        #expect(steps(&course) == ["charge"])
        course.charged(true)
        #expect(steps(&course) == ["open \(long.utf8.count + 2)", "pass " + long])
        course.take(bytes("\"}"), at: start)
        #expect(steps(&course) == ["pass \"}"])
        course.ended()
        #expect(steps(&course) == ["end"])
    }

    @Test func aLongAnswerThatBreaksOffIsCut() {
        var course = course(wholeLimit: 10)
        course.begin(status: 200, label: "application/json", retryAfter: nil, length: 5000)
        course.take(bytes(Self.answer), at: start)
        _ = steps(&course)
        course.charged(true)
        _ = steps(&course)
        course.failed(UpstreamFailure(.upstreamFailed, "it broke off"))
        #expect(steps(&course) == ["abort"])
        #expect(course.isServed)
    }

    // MARK: Streams

    @Test func aStreamFlowsWhileItsChargeCommitsAndItsEndWaits() {
        var course = course(isStreamAsked: true)
        course.begin(status: 200, label: "text/event-stream", retryAfter: nil, length: nil)
        course.take(bytes(Self.role), at: start)
        #expect(steps(&course) == [])
        course.take(bytes(Self.text), at: start)
        #expect(steps(&course) == ["charge", "open stream", "pass " + Self.role + Self.text])
        course.take(bytes(Self.done), at: start)
        course.ended()
        #expect(steps(&course) == [])
        course.charged(true)
        #expect(steps(&course) == ["pass " + Self.done, "end"])
    }

    @Test func aStreamWithoutALabelIsOne() {
        for label in [nil, "application/json"] {
            var course = course(isStreamAsked: true)
            course.begin(status: 200, label: label, retryAfter: nil, length: nil)
            course.take(bytes(Self.text), at: start)
            #expect(steps(&course) == ["charge", "open stream", "pass " + Self.text])
        }
    }

    @Test func aFailureBeforeTheFirstContentIsARefusal() {
        let failures = [
            "data: {\"error\":{\"message\":\"no\"}}\n\n", Self.done, "event: error\ndata: {}\n\n",
        ]
        for failure in failures {
            var course = course(isStreamAsked: true)
            course.begin(status: 200, label: "text/event-stream", retryAfter: nil, length: nil)
            course.take(bytes(Self.role + failure), at: start)
            course.ended()
            #expect(steps(&course) == ["refuse 502 upstream_failed"])
            #expect(!course.isServed)
        }
    }

    @Test func aBreakAfterTheFirstContentIsToldAndStaysCharged() {
        var course = course(isStreamAsked: true)
        course.begin(status: 200, label: "text/event-stream", retryAfter: nil, length: nil)
        course.take(bytes(Self.text), at: start)
        _ = steps(&course)
        course.failed(UpstreamFailure(.upstreamFailed, "it broke off"))
        // Not before the charge: this ends the answer.
        #expect(steps(&course) == [])
        course.charged(true)
        #expect(steps(&course) == ["rupture told"])
        #expect(course.isServed)
    }

    @Test func afterFiveSecondsOfSignsOfLifeTheCallerGetsThem() {
        var course = course(isStreamAsked: true)
        course.begin(status: 200, label: "text/event-stream", retryAfter: nil, length: nil)
        course.take(bytes(": wait\n\n"), at: start)
        course.tick(start + .milliseconds(4_999))
        #expect(steps(&course) == [])
        course.tick(start + .seconds(5))
        #expect(steps(&course) == ["open stream", "pass : wait\n\n"])
        // The refusal has become a break, and nothing was served.
        course.failed(UpstreamFailure(.upstreamFailed, "it broke off"))
        #expect(steps(&course) == ["rupture told"])
        #expect(!course.isServed)
    }

    @Test func whoTakesNothingIsWaitedFor() {
        var course = course(isStreamAsked: true)
        course.begin(status: 200, label: "text/event-stream", retryAfter: nil, length: nil)
        course.take(bytes(Self.text), at: start)
        #expect(steps(&course, isWritable: false) == ["charge", "open stream"])
        course.charged(true)
        course.take(bytes(Self.text), at: start)
        #expect(steps(&course, isWritable: false) == [])
        #expect(course.waiting == 2 * Self.text.utf8.count)
        #expect(steps(&course) == ["pass " + Self.text + Self.text])
    }

    // MARK: Refusals and charges that fail

    @Test func aRefusalIsSaidInWordsOfOurs() {
        var course = course()
        course.begin(status: 429, label: "application/json", retryAfter: "7", length: nil)
        course.take(bytes(#"{"error":{"message":"Rate limit of org-secret","code":"rate_limit_exceeded"}}"#), at: start)
        course.ended()
        #expect(steps(&course) == ["refuse 429 upstream_rate_limited"])
    }

    @Test func withoutAChargeNothingGoesOutAsServed() {
        var whole = course()
        whole.begin(status: 200, label: "application/json", retryAfter: nil, length: nil)
        whole.take(bytes(Self.answer), at: start)
        whole.ended()
        _ = steps(&whole)
        whole.charged(false)
        #expect(steps(&whole) == ["refuse 503 storage_failed"])
        #expect(!whole.isServed)

        var stream = course(isStreamAsked: true)
        stream.begin(status: 200, label: "text/event-stream", retryAfter: nil, length: nil)
        stream.take(bytes(Self.text), at: start)
        _ = steps(&stream)
        stream.charged(false)
        #expect(steps(&stream) == ["abort"])
        #expect(!stream.isServed)
    }
}
