import TestSupport
import Testing
import Values

@testable import Accounts

@Suite("The throttle on sign-ins")
struct ThrottleTests {
    private let throttle = SignInThrottle()
    private let noon = Timestamp(microseconds: 1_780_315_200_000_000)

    private func attempt(_ peer: String, _ email: String = "ada@example.com") -> SignInThrottle.Attempt {
        SignInThrottle.Attempt(from: IPAddress(peer), email: email)
    }

    /// How many of so many attempts are let in.
    private func letIn(_ count: Int, at time: Timestamp, _ attempt: (Int) -> SignInThrottle.Attempt) -> Int {
        (0..<count).filter { (try? throttle.begin(attempt($0), now: time)) != nil }.count
    }

    @Test("ten attempts for one address from one source, then none until the window ends") func pair() throws {
        #expect(letIn(15, at: noon) { _ in attempt("192.0.2.1") } == 10)
        #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) {
            try throttle.begin(attempt("192.0.2.1"), now: noon)
        }
        let end = noon.adding(.seconds(900))
        #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 1)) {
            try throttle.begin(attempt("192.0.2.1"), now: Timestamp(microseconds: end.microseconds - 1))
        }
        #expect(letIn(15, at: end) { _ in attempt("192.0.2.1") } == 10)
    }

    @Test("a stranger's failures don't shut the owner out, nor another address") func strangers() {
        #expect(letIn(20, at: noon) { _ in attempt("192.0.2.1") } == 10)
        #expect(letIn(1, at: noon) { _ in attempt("198.51.100.7") } == 1)
        #expect(letIn(1, at: noon) { _ in attempt("192.0.2.1", "bob@example.com") } == 1)
    }

    @Test("a hundred attempts from one source, whatever the addresses") func source() {
        #expect(letIn(120, at: noon) { attempt("192.0.2.1", "user\($0)@example.com") } == 100)
        #expect(letIn(1, at: noon) { _ in attempt("192.0.2.2") } == 1)
        #expect(letIn(120, at: noon.adding(.seconds(900))) { attempt("192.0.2.1", "user\($0)@example.com") } == 100)
    }

    @Test("a /64 of IPv6 is one source, another /64 is another") func network() {
        #expect(letIn(20, at: noon) { attempt("2001:db8:1:2::\(String($0 + 1, radix: 16))") } == 10)
        #expect(letIn(1, at: noon) { _ in attempt("2001:db8:1:2:ffff:ffff:ffff:ffff") } == 0)
        #expect(letIn(1, at: noon) { _ in attempt("2001:DB8:1:2:0::9") } == 0)
        #expect(letIn(1, at: noon) { _ in attempt("2001:db8:1:3::1") } == 1)
    }

    @Test("an IPv4 address inside IPv6 is that IPv4 address, not one network for all of them") func mapped() {
        #expect(letIn(20, at: noon) { _ in attempt("::ffff:192.0.2.1") } == 10)
        #expect(letIn(1, at: noon) { _ in attempt("192.0.2.1") } == 0)
        #expect(letIn(1, at: noon) { _ in attempt("::ffff:192.0.2.2") } == 1)
    }

    @Test("a right password forgives the pair, but not the source, what was wrong before it") func success() throws {
        for _ in 0..<11 {
            #expect(letIn(9, at: noon) { _ in attempt("192.0.2.1") } == 9)
            try throttle.begin(attempt("192.0.2.1"), now: noon)
            throttle.succeeded(attempt("192.0.2.1"))
        }
        // Eleven times nine failures stay on the source's account.
        #expect(letIn(5, at: noon) { attempt("192.0.2.1", "user\($0)@example.com") } == 1)
    }

    @Test("right passwords alone never use a source up") func busyOffice() throws {
        for index in 0..<300 {
            let attempt = attempt("192.0.2.1", "user\(index)@example.com")
            try throttle.begin(attempt, now: noon)
            throttle.succeeded(attempt)
        }
        #expect(letIn(1, at: noon) { _ in attempt("192.0.2.1") } == 1)
    }

    @Test("a flood from very many sources shuts nobody out") func flood() {
        #expect(letIn(9, at: noon) { _ in attempt("192.0.2.1") } == 9)
        #expect(letIn(26_000, at: noon) { attempt("2001:db8:\(String($0, radix: 16))::1") } == 26_000)
        #expect(letIn(1, at: noon) { _ in attempt("198.51.100.7") } == 1)
    }

    @Test("what is counted outlasts as many others as a table holds, and no more than two tables are kept")
    func bounded() {
        let small = SignInThrottle(capacity: 100)
        func letIn(_ count: Int, _ attempt: (Int) -> SignInThrottle.Attempt) -> Int {
            (0..<count).filter { (try? small.begin(attempt($0), now: noon)) != nil }.count
        }
        #expect(letIn(15) { _ in attempt("192.0.2.1") } == 10)
        // Each source is two windows: its own and the pair's.
        #expect(letIn(49) { attempt("2001:db8:\(String($0, radix: 16))::1") } == 49)
        #expect(letIn(1) { _ in attempt("192.0.2.1") } == 0)
        #expect(letIn(200) { attempt("2001:db9:\(String($0, radix: 16))::1") } == 200)
        #expect(letIn(1) { _ in attempt("192.0.2.1") } == 1)
    }

    @Test("a right password is forgiven also when the table is just full", arguments: 1...12)
    func forgivenWhenFull(capacity: Int) throws {
        let small = SignInThrottle(capacity: capacity)
        for _ in 0..<9 { try small.begin(attempt("192.0.2.1"), now: noon) }
        try small.begin(attempt("192.0.2.1"), now: noon)
        small.succeeded(attempt("192.0.2.1"))
        try small.begin(attempt("192.0.2.1"), now: noon)
    }

    @Test("an attempt that tried nothing is taken back") func takenBack() throws {
        for _ in 0..<30 {
            try throttle.begin(attempt("192.0.2.1"), now: noon)
            throttle.takeBack(attempt("192.0.2.1"))
        }
        #expect(letIn(15, at: noon) { _ in attempt("192.0.2.1") } == 10)
        for _ in 0..<30 { throttle.takeBack(attempt("192.0.2.2")) }
        #expect(letIn(15, at: noon) { _ in attempt("192.0.2.2") } == 10)
    }

    @Test("attempts in parallel don't slip through together") func parallel() async throws {
        let house = try AccountsHouse()
        _ = try await house.admin()
        let outcomes = await withTaskGroup(of: AccountsError?.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    do {
                        _ = try await house.signIn("ada@example.com", "not the right password")
                        return nil
                    } catch {
                        return error as? AccountsError
                    }
                }
            }
            return await group.reduce(into: [AccountsError?]()) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == .signInFailed }.count == 10)
        #expect(outcomes.filter { $0 == .tooManyAttempts(retryAfterSeconds: 900) }.count == 50)
        // The right password doesn't help any more from there, and does from elsewhere.
        await #expect(throws: AccountsError.tooManyAttempts(retryAfterSeconds: 900)) { try await house.signIn() }
        _ = try await house.signIn(from: "198.51.100.7")
        house.hand.advance(.seconds(900))
        _ = try await house.signIn()
    }

    @Test("a clock that was ahead shuts nobody out after it is back; one that is set back a little forgets nothing")
    func clockAhead() {
        let year = noon.adding(.seconds(365 * 86_400))
        #expect(letIn(15, at: year) { _ in attempt("192.0.2.1") } == 10)
        #expect(letIn(15, at: year.adding(.seconds(-60))) { _ in attempt("192.0.2.1") } == 0)
        #expect(letIn(15, at: noon) { _ in attempt("192.0.2.1") } == 10)
        #expect(letIn(1, at: noon.adding(.seconds(899))) { _ in attempt("192.0.2.1") } == 0)
    }
}
