/// Jobs that wait, in a line for each share. The shares take turns, one job each, so a share that floods waits behind
/// itself (round robin, as RFC 970 gives it for packets).
///
/// Both the jobs of one share and all jobs are bounded. When all places are taken, a share with little takes the last
/// place of the share with most. So what waits, and what this table holds, is bounded whoever asks and however often.
struct FairQueue<Share: Hashable & Sendable, Job: Sendable>: Sendable {
    private struct Line {
        var jobs: [Job] = []
        var running = 0
    }

    private let limit: Int
    private let shareLimit: Int
    private var lines: [Share: Line] = [:]
    /// The shares with waiting jobs; the first one is next.
    private var turns: [Share] = []
    /// Jobs that wait, of all shares.
    private(set) var count = 0

    /// Shares of which something is held.
    var shares: Int { lines.count }

    enum Answer {
        case taken
        /// There is no place for it.
        case refused
        /// It was taken, and this one gave up its place.
        case displaced(Job)
    }

    /// - Parameters:
    ///   - limit: jobs that may wait, of all shares.
    ///   - shareLimit: the same, of one share.
    init(limit: Int, shareLimit: Int) {
        self.limit = limit
        self.shareLimit = shareLimit
    }

    mutating func add(_ job: Job, of share: Share) -> Answer {
        let own = lines[share]?.jobs.count ?? 0
        guard own < shareLimit else { return .refused }
        guard count >= limit else {
            append(job, of: share)
            return .taken
        }
        // Only a full queue is searched for its longest line. A share takes no place that it would at once have to give
        // back.
        guard let longest = turns.max(by: { length(of: $0) < length(of: $1) }), length(of: longest) > own + 1,
            let last = lines[longest]?.jobs.popLast()
        else { return .refused }
        count -= 1
        append(job, of: share)
        return .displaced(last)
    }

    /// The job whose turn it is. To be followed by ``ended(_:)``.
    mutating func next() -> (share: Share, job: Job)? {
        guard let share = turns.first, let job = lines[share]?.jobs.removeFirst() else { return nil }
        lines[share]?.running += 1
        count -= 1
        goBack(share)
        return (share, job)
    }

    /// A job of the share has come to its end. The share goes to the back once more: whoever came while it ran is first.
    mutating func ended(_ share: Share) {
        lines[share]?.running -= 1
        goBack(share)
        if let line = lines[share], line.jobs.isEmpty, line.running <= 0 { lines[share] = nil }
    }

    /// All that wait, which then wait no more.
    mutating func removeAll() -> [Job] {
        defer { self = FairQueue(limit: limit, shareLimit: shareLimit) }
        return turns.flatMap { lines[$0]?.jobs ?? [] }
    }

    private func length(of share: Share) -> Int { lines[share]?.jobs.count ?? 0 }

    private mutating func append(_ job: Job, of share: Share) {
        if length(of: share) == 0 { turns.append(share) }
        lines[share, default: Line()].jobs.append(job)
        count += 1
    }

    /// Puts a share behind all others, or takes it out of the turns when it has no job.
    private mutating func goBack(_ share: Share) {
        guard let place = turns.firstIndex(of: share) else { return }
        turns.remove(at: place)
        if length(of: share) > 0 { turns.append(share) }
    }
}
