import Synchronization

/// Where randomness comes from. Injected, so that a test can replay a seed.
package struct Entropy: Sendable {
    private let source: @Sendable (Int) -> [UInt8]

    package init(bytes: @escaping @Sendable (_ count: Int) -> [UInt8]) { source = bytes }

    /// The operating system's generator: `getrandom(2)` by way of the standard library.
    package static let system = Entropy { count in
        var generator = SystemRandomNumberGenerator()
        return take(count) { generator.next() }
    }

    /// The same bytes for the same seed (SplitMix64). For tests alone: whoever knows one output knows all.
    package static func seeded(_ seed: UInt64) -> Entropy {
        let state = SeededState(seed)
        return Entropy { count in take(count) { state.next() } }
    }

    package func bytes(_ count: Int) -> [UInt8] { source(count) }

    package func word() -> UInt64 { source(8).reduce(0) { $0 << 8 | UInt64($1) } }

    private static func take(_ count: Int, from next: () -> UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }

    private final class SeededState: Sendable {
        private let state: Mutex<UInt64>

        init(_ seed: UInt64) { state = Mutex(seed) }

        func next() -> UInt64 {
            state.withLock { state in
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = state
                word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
                return word ^ word >> 31
            }
        }
    }
}
