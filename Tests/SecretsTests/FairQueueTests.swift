import Testing

@testable import Secrets

@Suite("The queue of jobs that wait, in shares")
struct FairQueueTests {
    /// Shares whose names begin with "?" are strangers.
    private static func queue(_ all: Int, share: Int, strangers: Int? = nil) -> FairQueue<String, Int> {
        FairQueue(
            FairQueue.Bounds(all: all, share: share, strangers: strangers ?? all), isStranger: { $0.hasPrefix("?") })
    }

    /// Takes and ends all that waits, as one thread does.
    private func drain(_ queue: inout FairQueue<String, Int>) -> [Int] {
        var order: [Int] = []
        while let (share, job) = queue.next() {
            order.append(job)
            queue.ended(share)
        }
        return order
    }

    private func add(_ jobs: [Int], of share: String, to queue: inout FairQueue<String, Int>) {
        for job in jobs {
            guard case .taken = queue.add(job, of: share) else {
                Issue.record("\(job) of \(share) was not taken")
                continue
            }
        }
    }

    @Test("one share is served in the order in which it came") func oneShare() {
        var queue = Self.queue(10, share: 10)
        add([1, 2, 3], of: "a", to: &queue)
        #expect(queue.count == 3)
        #expect(drain(&queue) == [1, 2, 3])
        #expect(queue.count == 0)
    }

    @Test("shares take turns, whoever came first and with however much") func turns() {
        var queue = Self.queue(100, share: 100)
        add([1, 2, 3, 4, 5], of: "flood", to: &queue)
        add([10], of: "b", to: &queue)
        add([20, 21], of: "c", to: &queue)
        #expect(drain(&queue) == [1, 10, 20, 2, 21, 3, 4, 5])
    }

    @Test("who comes while a job of a flood runs waits for that job alone") func newcomer() throws {
        var queue = Self.queue(100, share: 100)
        add(Array(1...50), of: "flood", to: &queue)
        let first = queue.next()
        let running = try #require(first)
        #expect(running.job == 1)
        add([100], of: "b", to: &queue)
        queue.ended(running.share)
        #expect(drain(&queue).first == 100)
    }

    @Test("new shares that keep coming starve none that waits") func strangers() {
        var queue = Self.queue(100, share: 100)
        add([1, 2, 3], of: "a", to: &queue)
        var order: [Int] = []
        for number in 100..<200 {
            add([number], of: "stranger \(number)", to: &queue)
            add([number + 1000], of: "other \(number)", to: &queue)
            if let (share, job) = queue.next() {
                order.append(job)
                queue.ended(share)
            }
            if order.contains(3) { break }
        }
        #expect(order.contains(3), "the third job of a share that came first is served among strangers")
    }

    @Test("a share that has filled its line is refused alone") func shareLimit() {
        var queue = Self.queue(100, share: 3)
        add([1, 2, 3], of: "flood", to: &queue)
        for job in 4..<1000 {
            guard case .refused = queue.add(job, of: "flood") else { return #expect(Bool(false), "\(job) was taken") }
        }
        add([10], of: "b", to: &queue)
        #expect(drain(&queue) == [1, 10, 2, 3])
    }

    @Test("in a full queue a share with little takes the last place of the one with most") func displaced() {
        var queue = Self.queue(4, share: 4)
        add([1, 2, 3], of: "flood", to: &queue)
        add([10], of: "b", to: &queue)
        guard case .displaced(3) = queue.add(20, of: "c") else { return #expect(Bool(false), "3 had to go") }
        #expect(queue.count == 4)
        // Now there is one of b, one of c and two of the flood: a second one of c would only change places.
        guard case .refused = queue.add(21, of: "c") else { return #expect(Bool(false), "21 was taken") }
        guard case .displaced(2) = queue.add(30, of: "d") else { return #expect(Bool(false), "2 had to go") }
        guard case .refused = queue.add(40, of: "e") else { return #expect(Bool(false), "40 was taken") }
        #expect(drain(&queue) == [1, 10, 20, 30])
    }

    @Test("strangers and others alternate, however many shares the strangers have") func alternating() {
        var queue = Self.queue(100, share: 100)
        for number in 1...40 { add([number], of: "?\(number)", to: &queue) }
        add([101, 102], of: "a", to: &queue)
        add([201], of: "b", to: &queue)
        #expect(Array(drain(&queue).prefix(7)) == [101, 1, 201, 2, 102, 3, 4])
        // Also when the others come one by one, while jobs of strangers run.
        for number in 1...40 { add([number], of: "?\(number)", to: &queue) }
        for job in 101...110 {
            guard let stranger = queue.next() else { return #expect(Bool(false), "nothing waits") }
            add([job], of: "a", to: &queue)
            queue.ended(stranger.share)
            guard let other = queue.next() else { return #expect(Bool(false), "nothing waits") }
            #expect(other.job == job)
            queue.ended(other.share)
        }
    }

    @Test("strangers together fill their part of the queue, and the rest is the others'") func strangersPart() {
        var queue = Self.queue(8, share: 4, strangers: 4)
        for number in 1...4 { add([number], of: "?\(number)", to: &queue) }
        for number in 5...500 {
            guard case .refused = queue.add(number, of: "?\(number)") else {
                return #expect(Bool(false), "\(number) was taken")
            }
        }
        add([101, 102, 103], of: "a", to: &queue)
        add([201], of: "b", to: &queue)
        #expect(queue.count == 8)
        #expect(Set(drain(&queue)) == [1, 2, 3, 4, 101, 102, 103, 201])
    }

    @Test("a stranger with little takes the place of the stranger with most, and of nobody else")
    func displacedStranger() {
        var queue = Self.queue(8, share: 4, strangers: 4)
        add([101, 102, 103, 104], of: "a", to: &queue)
        add([1, 2, 3], of: "?flood", to: &queue)
        add([10], of: "?b", to: &queue)
        guard case .displaced(3) = queue.add(20, of: "?c") else { return #expect(Bool(false), "3 had to go") }
        guard case .refused = queue.add(21, of: "?c") else { return #expect(Bool(false), "21 was taken") }
        // The queue is full now: another of the others takes the last place of the longest line, which is theirs.
        guard case .displaced(104) = queue.add(201, of: "b") else { return #expect(Bool(false), "104 had to go") }
        #expect(queue.count == 8)
        #expect(queue.removeAll().count == 8)
        #expect(queue.count == 0 && queue.shares == 0)
    }

    @Test("nothing is kept of a share that has neither a waiting nor a running job") func forgets() {
        var queue = Self.queue(4, share: 4)
        for number in 0..<1000 {
            add([number], of: "\(number)", to: &queue)
            if number % 2 == 0 { add([-number], of: "\(number)", to: &queue) }
            _ = drain(&queue)
        }
        #expect(queue.shares == 0)
        add([1, 2], of: "a", to: &queue)
        let running = queue.next()
        #expect(queue.shares == 1)
        #expect(queue.removeAll() == [2])
        if let running { queue.ended(running.share) }
        #expect(queue.shares == 0)
        #expect(drain(&queue) == [])
    }
}
