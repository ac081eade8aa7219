import Glibc
import Synchronization
import Testing
import Values

@testable import Secrets

@Suite("What is kept for long")
struct KeptSecretTests {
    private let keys = DeploymentSecrets(
        master: Secret([UInt8](repeating: 1, count: 32)), pepper: Secret([UInt8](repeating: 2, count: 32)))
    private let base64 = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

    @Test("what holds a prepared key shows nothing of it")
    func dumps() throws {
        let format = try TokenFormat(prefix: "sk-", keys: keys)
        let pool = Argon2Pool(
            pepper: keys.pepper, parameters: .standard, workers: 1, queueLimit: 1, shareLimit: 1, deadline: .seconds(1),
            entropy: .seeded(1))
        let verifier = TokenVerifier(pool: pool, capacity: 1, entropy: .seeded(1))
        for value in [format, keys, verifier] as [Any] {
            var text = ""
            dump(value, to: &text)
            #expect(text.split(separator: "\n").count == 1, "\(text.prefix(200))")
        }
    }

    @Test("a key gets its name only when its file is whole")
    func drafts() throws {
        let directory = "/tmp/latchkey-drafts-\(String(Entropy.system.word(), radix: 16))"
        try #require(mkdir(directory, 0o700) == 0)
        defer { rmdir(directory) }
        let names = ["master.key", "pepper.key"]
        // A key is drawn after its file is opened: from then on a crash leaves whatever there is.
        let seen = Mutex([Bool]())
        let watching = Entropy { count in
            if count == 32 {
                let made = names.count { access("\(directory)/\($0)", F_OK) == 0 }
                seen.withLock { $0.append(made == $0.count) }
            }
            return Entropy.system.bytes(count)
        }
        _ = try DeploymentSecrets.load(
            master: .directory, pepper: .directory, directory: directory, createIfMissing: true, entropy: watching)
        #expect(seen.withLock { $0 } == [true, true])
        for name in names { unlink("\(directory)/\(name)") }
        #expect(rmdir(directory) == 0, "no draft is left behind")
    }

    @Test("= stands at the end, once")
    func padding() throws {
        func load(_ text: String) throws -> DeploymentSecrets {
            try DeploymentSecrets.load(
                master: .value(Secret(text), from: "A"), pepper: .value(Secret(base64), from: "B"), directory: "/",
                createIfMissing: false, entropy: .system)
        }
        for text in [base64, base64 + "=", base64 + "=\n"] { #expect(throws: Never.self) { try load(text) } }
        for text in ["=" + base64, "==" + base64, base64 + "==", base64 + "A"] {
            #expect(throws: DeploymentSecretsError.malformedSetting("A")) { try load(text) }
        }
    }

    @Test("an old shape of hash asks to be replaced")
    func shapes() {
        let pool = Argon2Pool(
            pepper: keys.pepper, parameters: .standard, workers: 1, queueLimit: 1, shareLimit: 1, deadline: .seconds(1),
            entropy: .seeded(1))
        let short = [UInt8](repeating: 1, count: 8)
        #expect(pool.needsRehash(PHCString(parameters: .standard, salt: short, hash: short + short + short + short)))
        #expect(pool.needsRehash(PHCString(parameters: .standard, salt: short + short, hash: short + short)))
        #expect(!pool.needsRehash(pool.decoy))
    }
}
