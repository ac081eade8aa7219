import Foundation

/// A small generator of our own (SplitMix64), so that a seed makes the same choices with every release of the standard
/// library.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// From 0 up to, but without, `bound`.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    package mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    /// For ranges from zero up.
    package mutating func amount(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % (UInt64(range.upperBound - range.lowerBound) + 1))
    }
}

/// The seeds of tests that make random choices.
package enum Seeds {
    /// `LATCHKEY_SEED=7 swift test --filter ModelTests` makes the choices of seed 7 again; commas separate several.
    package static func list(_ standard: ClosedRange<UInt64>) -> [UInt64] {
        guard let text = ProcessInfo.processInfo.environment["LATCHKEY_SEED"], !text.isEmpty else {
            return Array(standard)
        }
        return text.split(separator: ",").map { word in
            guard let seed = UInt64(word) else { preconditionFailure("LATCHKEY_SEED has no number: \(word)") }
            return seed
        }
    }
}
