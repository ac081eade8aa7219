import Foundation
import TestSupport

/// How long tests with random upstreams go on.
enum FuzzLength {
    /// Set by `make test-long`.
    static let isLong = ProcessInfo.processInfo.environment["LATCHKEY_TEST_LENGTH"] == "long"

    /// Processor time of this process so far, in seconds.
    static var used: Int { Int(clock()) / Int(CLOCKS_PER_SEC) }

    /// Whether the hour of the long run is over.
    static func isOver(since begin: Int) -> Bool { used - begin > 3_600 }

    /// - Parameter short: the seeds of the short run; the long one goes on without end.
    static func seeds(_ short: ClosedRange<UInt64>) -> AnySequence<UInt64> {
        isLong ? AnySequence(1...UInt64.max) : AnySequence(Seeds.list(short))
    }
}
