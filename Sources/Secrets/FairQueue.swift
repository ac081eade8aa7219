/// Jobs that wait, in a line for each share. The shares take turns, one job each, so a share that floods waits behind
/// itself (round robin, as RFC 970 gives it for packets).
///
/// Shares are cheap for a stranger who has many addresses. So strangers have a ring of turns of their own: theirs and
/// that of all others alternate, and strangers together fill only a part of the queue.
///
/// The jobs of one share, those of strangers and all jobs are bounded. When there is no place, a share with little takes
/// the last place of the share with most. So what waits, and what this table holds, is bounded whoever asks and however
/// often.
struct FairQueue<Share: Hashable & Sendable, Job: Sendable>: Sendable {
    private struct Line {
        var jobs: [Job] = []
        var running = 0
    }

    /// Shares that take turns among themselves.
    private struct Ring {
        /// Those with waiting jobs; the first one is next.
        var turns: [Share] = []
        /// Jobs that wait, of all of them.
        var count = 0
    }

    /// What may wait.
    struct Bounds {
        /// Jobs of all shares.
        let all: Int
        /// Jobs of one share.
        let share: Int
        /// Jobs of all strangers.
        let strangers: Int
    }

    private let bounds: Bounds
    private let isStranger: @Sendable (Share) -> Bool
    private var lines: [Share: Line] = [:]
    private var strangers = Ring()
    private var others = Ring()
    private var areStrangersNext = false

    /// Jobs that wait, of all shares.
    var count: Int { strangers.count + others.count }

    /// Shares of which something is held.
    var shares: Int { lines.count }

    enum Answer {
        case taken
        /// There is no place for it.
        case refused
        /// It was taken, and this one gave up its place.
        case displaced(Job)
    }

    init(_ bounds: Bounds, isStranger: @escaping @Sendable (Share) -> Bool) {
        self.bounds = bounds
        self.isStranger = isStranger
    }

    mutating func add(_ job: Job, of share: Share) -> Answer {
        let own = length(of: share)
        guard own < bounds.share else { return .refused }
        let candidates: [Share]
        if isStranger(share), strangers.count >= bounds.strangers {
            candidates = strangers.turns
        } else if count >= bounds.all {
            candidates = strangers.turns + others.turns
        } else {
            append(job, of: share)
            return .taken
        }
        // Only where there is no place the longest line is searched for. A share takes no place that it would at once
        // have to give back.
        guard let longest = candidates.max(by: { length(of: $0) < length(of: $1) }), length(of: longest) > own + 1,
            let last = lines[longest]?.jobs.popLast()
        else { return .refused }
        withRing(of: longest) { $0.count -= 1 }
        append(job, of: share)
        return .displaced(last)
    }

    /// The job whose turn it is. To be followed by ``ended(_:)``.
    mutating func next() -> (share: Share, job: Job)? {
        let isStrangersTurn = others.turns.isEmpty || (areStrangersNext && !strangers.turns.isEmpty)
        guard let share = (isStrangersTurn ? strangers : others).turns.first, let job = lines[share]?.jobs.removeFirst()
        else { return nil }
        areStrangersNext = !isStrangersTurn
        lines[share]?.running += 1
        withRing(of: share) { $0.count -= 1 }
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
        defer { self = FairQueue(bounds, isStranger: isStranger) }
        return (strangers.turns + others.turns).flatMap { lines[$0]?.jobs ?? [] }
    }

    private func length(of share: Share) -> Int { lines[share]?.jobs.count ?? 0 }

    private mutating func withRing(of share: Share, _ change: (inout Ring) -> Void) {
        if isStranger(share) { change(&strangers) } else { change(&others) }
    }

    private mutating func append(_ job: Job, of share: Share) {
        let isNew = length(of: share) == 0
        lines[share, default: Line()].jobs.append(job)
        withRing(of: share) { ring in
            if isNew { ring.turns.append(share) }
            ring.count += 1
        }
    }

    /// Puts a share behind all others of its ring, or takes it out of the turns when it has no job.
    private mutating func goBack(_ share: Share) {
        let isWaiting = length(of: share) > 0
        withRing(of: share) { ring in
            guard let place = ring.turns.firstIndex(of: share) else { return }
            ring.turns.remove(at: place)
            if isWaiting { ring.turns.append(share) }
        }
    }
}
