/// How much work one Argon2id is.
package struct Argon2Parameters: Sendable, Equatable {
    package let memoryKiB: Int
    package let iterations: Int
    package let parallelism: Int

    /// OWASP's first recommendation for one lane: 19 MiB, two passes.
    package static let standard = Argon2Parameters(unchecked: 19_456, 2, 1)

    /// The least memory for a number of passes that OWASP holds equal to the standard (Password Storage Cheat Sheet).
    package static func floor(iterations: Int) -> Int {
        switch iterations {
        case ...1: 47_104
        case 2: 19_456
        case 3: 12_288
        case 4: 9216
        default: 7168
        }
    }

    /// - Throws: below the floor for the number of passes, or above 1 GiB, 16 passes or 16 lanes.
    package init(memoryKiB: Int, iterations: Int, parallelism: Int) throws(Argon2ParametersError) {
        guard (1...16).contains(iterations) else { throw Argon2ParametersError(field: "iterations", rule: "1 to 16") }
        guard (1...16).contains(parallelism) else { throw Argon2ParametersError(field: "parallelism", rule: "1 to 16") }
        let floor = Self.floor(iterations: iterations)
        guard (floor...Self.maximumMemoryKiB).contains(memoryKiB) else {
            throw Argon2ParametersError(
                field: "memory_kib", rule: "\(floor) to \(Self.maximumMemoryKiB) with \(iterations) iterations")
        }
        self.init(unchecked: memoryKiB, iterations, parallelism)
    }

    static let maximumMemoryKiB = 1_048_576

    init(unchecked memoryKiB: Int, _ iterations: Int, _ parallelism: Int) {
        self.memoryKiB = memoryKiB
        self.iterations = iterations
        self.parallelism = parallelism
    }
}

/// Parameters that are too weak to protect anything, or too heavy to run.
package struct Argon2ParametersError: Error, Sendable, Equatable {
    package let field: String
    package let rule: String
    package var sentence: String {
        "The setting argon2.\(field) (LATCHKEY_ARGON2_\(field.uppercased())) must be \(rule)."
    }
}
