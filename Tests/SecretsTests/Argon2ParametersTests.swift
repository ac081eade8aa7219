import Secrets
import Testing

struct Argon2ParametersTests {
    @Test(
        "the floor is OWASP's: the fewer passes, the more memory",
        arguments: [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9216), (5, 7168), (16, 7168)])
    func floor(iterations: Int, memory: Int) throws {
        let least = try Argon2Parameters(memoryKiB: memory, iterations: iterations, parallelism: 1)
        #expect(least.memoryKiB == memory)
        let error = #expect(throws: Argon2ParametersError.self) {
            try Argon2Parameters(memoryKiB: memory - 1, iterations: iterations, parallelism: 1)
        }
        #expect(error?.field == "memory_kib")
        #expect(error?.sentence.contains("LATCHKEY_ARGON2_MEMORY_KIB") == true)
        #expect(error?.sentence.contains("\(memory) to 1048576") == true)
    }

    @Test(
        "more than 1 GiB, 16 passes or 16 lanes is refused, and so is none",
        arguments: [
            (1_048_577, 2, 1, "memory_kib"), (19_456, 17, 1, "iterations"), (19_456, 0, 1, "iterations"),
            (19_456, -1, 1, "iterations"), (19_456, 2, 17, "parallelism"), (19_456, 2, 0, "parallelism"),
            (.max, 2, 1, "memory_kib"), (.min, 2, 1, "memory_kib"),
        ])
    func ceiling(memory: Int, iterations: Int, parallelism: Int, field: String) {
        let error = #expect(throws: Argon2ParametersError.self) {
            try Argon2Parameters(memoryKiB: memory, iterations: iterations, parallelism: parallelism)
        }
        #expect(error?.field == field)
        #expect(error?.sentence.contains("argon2.\(field)") == true)
    }

    @Test("the heaviest parameters that are allowed are the bounds themselves")
    func bounds() throws {
        let most = try Argon2Parameters(memoryKiB: 1_048_576, iterations: 16, parallelism: 16)
        #expect(most.memoryKiB == 1_048_576)
    }

    @Test("the standard parameters are above the floor")
    func standard() throws {
        #expect(try Argon2Parameters(memoryKiB: 19_456, iterations: 2, parallelism: 1) == .standard)
    }
}
