import CArgon2
import Foundation
import Synchronization
package import Values

/// Runs Argon2id on threads of its own.
///
/// One hash keeps a core busy for tens of milliseconds and fills megabytes. So it runs neither on an event loop nor on
/// the few threads that all tasks share. The queue is bounded and fair: each ``Share`` has a line of its own, and the
/// lines take turns. So a flood is answered "overloaded", and others wait for one hash of it. Strangers, who may call
/// from very many addresses, have every other turn and half of the queue, all of them together. A job that has waited
/// too long is refused.
package final class Argon2Pool: Sendable {
    private struct Job: Sendable {
        let deadline: ContinuousClock.Instant
        let run: @Sendable (Argon2Failure?) -> Void
    }

    private struct Queue: Sendable {
        var jobs: FairQueue<Share, Job>
        /// Jobs that a thread has taken, refused ones too.
        var taken = 0
        var isStopped = false
    }

    private let pepper: Secret
    /// What is hashed with today.
    let parameters: Argon2Parameters
    private let wait: Duration
    /// Jobs that may wait.
    package let queueLimit: Int
    private let entropy: Entropy
    private let queue: Condition

    /// A hash with the pool's own parameters that no secret opens: the stand-in for users who don't exist, so that they
    /// take as long as those who do.
    package let decoy: PHCString

    /// - Parameters:
    ///   - pepper: mixed into each hash as Argon2's secret value K (RFC 9106 §3.1); without it nothing verifies.
    ///   - workers: threads.
    ///   - queueLimit: jobs that may wait; half as many of strangers.
    ///   - shareLimit: jobs of one share that may wait.
    ///   - deadline: the longest wait.
    package init(
        pepper: Secret, parameters: Argon2Parameters, workers: Int, queueLimit: Int, shareLimit: Int,
        deadline: Duration, entropy: Entropy
    ) {
        self.pepper = pepper
        self.parameters = parameters
        wait = deadline
        self.queueLimit = queueLimit
        self.entropy = entropy
        decoy = PHCString(parameters: parameters, salt: entropy.bytes(16), hash: entropy.bytes(32))
        queue = Condition(
            FairQueue(
                FairQueue.Bounds(all: queueLimit, share: shareLimit, strangers: max(1, queueLimit / 2)),
                isStranger: \.isStranger))
        for _ in 0..<max(1, workers) {
            let thread = Thread { [queue] in queue.work() }
            thread.name = "argon2"
            thread.start()
        }
    }

    package func hash(_ secret: Secret, for share: Share) async throws(Argon2Failure) -> PHCString {
        let salt = entropy.bytes(16)
        let tag = try await perform(secret, salt, parameters, tagLength: 32, for: share)
        return PHCString(parameters: parameters, salt: salt, hash: tag)
    }

    /// Whether `phc` was made from this secret and this pool's pepper. The parameters are those in the string; what no
    /// deployment could have written is false without being run.
    package func verify(
        _ secret: Secret, against phc: PHCString, for share: Share
    ) async throws(Argon2Failure) -> Bool {
        guard phc.parameters.memoryKiB <= Argon2Parameters.maximumMemoryKiB, phc.parameters.iterations <= 16,
            phc.parameters.parallelism <= 16
        else { return false }
        let tag = try await perform(secret, phc.salt, phc.parameters, tagLength: phc.hash.count, for: share)
        return Secret(tag).isSame(as: Secret(phc.hash))
    }

    /// The bare tag of a secret, 32 bytes, for a key to be derived from. It is never stored.
    /// - Parameter parameters: the caller has kept them within bounds.
    func tag(
        of secret: Secret, salt: [UInt8], parameters: Argon2Parameters, for share: Share
    ) async throws(Argon2Failure) -> Secret {
        Secret(try await perform(secret, salt, parameters, tagLength: 32, for: share))
    }

    /// Whether a hash was made with other parameters than today's.
    package func needsRehash(_ phc: PHCString) -> Bool {
        phc.parameters != parameters || phc.salt.count != 16 || phc.hash.count != 32
    }

    deinit { queue.stop() }

    /// Ends the threads; what waits is refused.
    package func shutdown() { queue.stop() }

    /// Jobs in the queue now, and jobs that have left it for a thread since the start.
    package var load: (waiting: Int, taken: Int) { queue.load }

    private func perform(
        _ secret: Secret, _ salt: [UInt8], _ parameters: Argon2Parameters, tagLength: Int, for share: Share
    ) async throws(Argon2Failure) -> [UInt8] {
        let pepper = pepper
        let deadline = ContinuousClock.now + wait
        let result: Result<[UInt8], Argon2Failure> = await withCheckedContinuation { continuation in
            let job = Job(deadline: deadline) { refusal in
                if let refusal { return continuation.resume(returning: .failure(refusal)) }
                continuation.resume(returning: Self.argon2id(secret, pepper, salt, parameters, tagLength: tagLength))
            }
            if let refusal = queue.add(job, of: share) { continuation.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    /// libargon2's entry that takes the secret value K.
    private static func argon2id(
        _ secret: Secret, _ pepper: Secret, _ salt: [UInt8], _ parameters: Argon2Parameters, tagLength: Int
    ) -> Result<[UInt8], Argon2Failure> {
        var tag = [UInt8](repeating: 0, count: tagLength)
        var salt = salt
        let code = secret.withBytes { password in
            pepper.withBytes { key in
                tag.withUnsafeMutableBufferPointer { out in
                    salt.withUnsafeMutableBufferPointer { salt in
                        var context = Argon2_Context()
                        context.out = out.baseAddress
                        context.outlen = UInt32(out.count)
                        // The library only writes to these where a flag asks it to wipe them; none is set.
                        context.pwd = UnsafeMutablePointer(mutating: password.bindMemory(to: UInt8.self).baseAddress)
                        context.pwdlen = UInt32(password.count)
                        context.salt = salt.baseAddress
                        context.saltlen = UInt32(salt.count)
                        context.secret = UnsafeMutablePointer(mutating: key.bindMemory(to: UInt8.self).baseAddress)
                        context.secretlen = UInt32(key.count)
                        context.t_cost = UInt32(parameters.iterations)
                        context.m_cost = UInt32(parameters.memoryKiB)
                        context.lanes = UInt32(parameters.parallelism)
                        context.threads = 1
                        context.version = UInt32(ARGON2_VERSION_13.rawValue)
                        return argon2id_ctx(&context)
                    }
                }
            }
        }
        return code == ARGON2_OK.rawValue ? .success(tag) : .failure(.failed(code: code))
    }

    /// The queue and the threads' place to wait.
    private final class Condition: Sendable {
        private let condition = NSCondition()
        private let queue: Mutex<Queue>

        init(_ jobs: FairQueue<Share, Job>) { queue = Mutex(Queue(jobs: jobs)) }

        /// `nil` when the job was taken.
        func add(_ job: Job, of share: Share) -> Argon2Failure? {
            let (refusal, displaced) = queue.withLock { queue -> (Argon2Failure?, Job?) in
                if queue.isStopped { return (.stopped, nil) }
                switch queue.jobs.add(job, of: share) {
                case .taken: return (nil, nil)
                case .refused: return (.overloaded, nil)
                case .displaced(let other): return (nil, other)
                }
            }
            displaced?.run(.overloaded)
            condition.lock()
            condition.signal()
            condition.unlock()
            return refusal
        }

        var load: (waiting: Int, taken: Int) { queue.withLock { ($0.jobs.count, $0.taken) } }

        func stop() {
            let left = queue.withLock { queue in
                queue.isStopped = true
                return queue.jobs.removeAll()
            }
            for job in left { job.run(.stopped) }
            condition.lock()
            condition.broadcast()
            condition.unlock()
        }

        /// A thread's life.
        func work() {
            while true {
                condition.lock()
                var next = take()
                while case .wait = next {
                    condition.wait()
                    next = take()
                }
                condition.unlock()
                guard case .job(let job, let share) = next else { return }
                job.run(ContinuousClock.now > job.deadline ? .overloaded : nil)
                queue.withLock { $0.jobs.ended(share) }
            }
        }

        private enum Next {
            case job(Job, Share)
            case wait
            case end
        }

        private func take() -> Next {
            queue.withLock { queue in
                if let (share, job) = queue.jobs.next() {
                    queue.taken += 1
                    return .job(job, share)
                }
                return queue.isStopped ? .end : .wait
            }
        }
    }
}

/// Why a hash was not computed.
package enum Argon2Failure: Error, Sendable, Equatable {
    /// Too many were waiting, or this one waited too long.
    case overloaded
    /// libargon2's own code, such as -22 for memory that can't be had.
    case failed(code: Int32)
    case stopped
}
