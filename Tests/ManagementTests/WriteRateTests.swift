import Management
import Testing
import Values

@Suite("The rate of an account's changes")
struct WriteRateTests {
    private let noon = Timestamp(microseconds: 1_780_315_200_000_000)
    private let ada = Identifier(at: Timestamp(microseconds: 0), random: (0, 4))
    private let bob = Identifier(at: Timestamp(microseconds: 0), random: (0, 8))

    /// How many of so many changes are let in.
    private func letIn(_ count: Int, _ rate: WriteRate, _ account: Identifier, at time: Timestamp) -> Int {
        (0..<count).filter { _ in rate.take(from: account, at: time) == nil }.count
    }

    @Test("a minute's worth at once, and then one at a time, evenly", arguments: [1, 6, 60, 600, 7])
    func bucket(perMinute: Int) {
        let rate = WriteRate(perMinute: perMinute)
        #expect(letIn(perMinute + 5, rate, ada, at: noon) == perMinute)
        let interval: Duration = .microseconds(60_000_000 / perMinute)
        #expect(letIn(5, rate, ada, at: noon.adding(interval - .microseconds(1))) == 0)
        for turn in 1...3 { #expect(letIn(5, rate, ada, at: noon.adding(interval * turn)) == 1) }
        // Quiet for a minute: full, and no fuller.
        #expect(letIn(perMinute + 5, rate, ada, at: noon.adding(interval * 3 + .seconds(60))) == perMinute)
        #expect(letIn(perMinute + 5, rate, ada, at: noon.adding(.seconds(86_400))) == perMinute)
    }

    @Test("over an hour no more than the bucket and what has flowed into it") func hour() {
        let rate = WriteRate(perMinute: 60)
        let taken = (0..<36_000).filter { rate.take(from: ada, at: noon.adding(.milliseconds(100 * $0))) == nil }.count
        #expect(taken == 60 + 3599)
    }

    @Test("who is refused is told when to come again, and is let in then") func retry() throws {
        for perMinute in [1, 2, 7, 60, 600] {
            let rate = WriteRate(perMinute: perMinute)
            _ = letIn(perMinute, rate, ada, at: noon)
            let seconds = try #require(rate.take(from: ada, at: noon))
            #expect(seconds == (60 + perMinute - 1) / perMinute)
            #expect(rate.take(from: ada, at: noon.adding(.seconds(seconds))) == nil)
        }
    }

    @Test("each account has its own") func apart() {
        let rate = WriteRate(perMinute: 10)
        #expect(letIn(20, rate, ada, at: noon) == 10)
        #expect(letIn(20, rate, bob, at: noon) == 10)
    }

    @Test("a clock that was ahead shuts nobody out; one that is set back a little gives nothing back") func clocks() {
        let rate = WriteRate(perMinute: 60)
        #expect(letIn(100, rate, ada, at: noon.adding(.seconds(365 * 86_400))) == 60)
        #expect(letIn(100, rate, ada, at: noon) == 60)
        #expect(letIn(100, rate, bob, at: noon) == 60)
        #expect(letIn(100, rate, bob, at: noon.adding(.seconds(30))) == 30)
        #expect(letIn(100, rate, bob, at: noon.adding(.seconds(29))) == 0)
        #expect(rate.take(from: bob, at: noon.adding(.seconds(29))) == 2)
    }

    @Test("the table is bounded: many accounts forget the oldest bucket, and let nobody wait for it") func bounded() {
        let rate = WriteRate(perMinute: 2, capacity: 8)
        #expect(letIn(3, rate, ada, at: noon) == 2)
        func others(_ range: Range<UInt64>) {
            for number in range {
                let other = Identifier(at: noon, random: (1, number << 2))
                #expect(rate.take(from: other, at: noon) == nil)
            }
        }
        others(0..<8)
        #expect(letIn(1, rate, ada, at: noon) == 0)
        others(8..<30)
        #expect(letIn(3, rate, ada, at: noon) == 2)
    }

    @Test("many at once get no more than there is") func race() async {
        let rate = WriteRate(perMinute: 100)
        let (ada, noon) = (ada, noon)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<50).filter { _ in rate.take(from: ada, at: noon) == nil }.count }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 100)
    }
}
