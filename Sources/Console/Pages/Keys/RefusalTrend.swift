import Credentials
import Management
import Metering
import Values

/// How many calls with a key were not served in the last seven days, beside the seven before.
struct RefusalTrend: Sendable {
    static let days = 14

    private(set) var now: Int64 = 0
    private(set) var before: Int64 = 0

    mutating func add(_ calls: Int64, on day: Day, today: Day) {
        if day.number > today.number - 7 { now += calls } else { before += calls }
    }

    /// Twice as many as before, and so many that they are no slip.
    var isRising: Bool { now >= 10 && now / 2 >= before }
}

extension Visit {
    /// The trends of keys of which any call was refused lately; none where the person may not see them, or there are more
    /// lines than one report has.
    func refusalTrends(at time: Timestamp) async throws -> [Identifier: RefusalTrend] {
        guard may(.listRefusedCalls) else { return [:] }
        var question = RefusedCallsQuestion()
        (question.last, question.by) = (RefusalTrend.days, [.day, .credential])
        var trends: [Identifier: RefusalTrend] = [:]
        do {
            for (group, calls) in try await management.listRefusedCalls(caller, question).lines {
                guard let key = group.credential, let day = group.day else { continue }
                trends[key, default: RefusalTrend()].add(calls, on: day, today: Day(of: time))
            }
        } catch { guard error.code == .tooManyRows else { throw error } }
        return trends
    }
}
