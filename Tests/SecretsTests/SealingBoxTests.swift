import Testing
import Values

@testable import Secrets

struct SealingBoxTests {
    private let box = Samples.keys.sealing
    private let secret = Secret("sk-upstream")

    @Test("what was sealed opens in its place, whatever its length", arguments: [0, 1, 15, 16, 17, 4096])
    func roundTrip(count: Int) throws {
        let secret = Secret.random(count, from: .seeded(1))
        let sealed = box.seal(secret, context: "provider:1", entropy: .system)
        #expect(try box.open(sealed, context: "provider:1").isSame(as: secret))
    }

    /// Written by another implementation (Python, OpenSSL) from the same master key and nonce.
    @Test("a sealed text is v1, nonce, ciphertext and tag, under a key derived from the master key")
    func knownAnswer() throws {
        let known = "v1.AAECAwQFBgcICQoLr_jgvPQmlfdfPsbI9Zm4q9s8ZPS3AWM5qozA"
        let counting = Entropy { count in (0..<count).map { UInt8($0) } }
        #expect(box.seal(secret, context: "provider:1", entropy: counting) == known)
        #expect(try box.open(known, context: "provider:1").isSame(as: secret))
    }

    @Test("not one bit of a sealed text can be changed")
    func bits() throws {
        let sealed = box.seal(secret, context: "provider:1", entropy: .system)
        let bytes = try #require(Base64.decode(sealed.dropFirst(3), forAddress: true))
        #expect(bytes.count == 12 + 11 + 16)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                #expect(throws: SealingError()) {
                    try box.open("v1." + Base64.encode(changed, forAddress: true), context: "provider:1")
                }
            }
        }
    }

    @Test(
        "a sealed text does not open in another place",
        arguments: ["", "provider:2", "provider:", "Provider:1", "provider:1 ", "provider:1\0"])
    func contexts(context: String) {
        let sealed = box.seal(secret, context: "provider:1", entropy: .system)
        #expect(throws: SealingError()) { try box.open(sealed, context: context) }
    }

    @Test("a sealed text does not open under another master key, and does under another pepper")
    func keys() throws {
        let sealed = box.seal(secret, context: "a", entropy: .system)
        let otherMaster = DeploymentSecrets(master: Samples.bytes(9), pepper: Samples.bytes(2)).sealing
        #expect(throws: SealingError()) { try otherMaster.open(sealed, context: "a") }
        #expect(try Samples.otherKeys.sealing.open(sealed, context: "a").isSame(as: secret))
    }

    @Test("sealing the same twice gives two texts: no nonce comes again")
    func nonces() {
        let sealed = (0..<2000).map { _ in box.seal(secret, context: "a", entropy: .system) }
        #expect(Set(sealed.map { $0.prefix(19) }).count == 2000)
    }

    @Test("cut, extended, padded, other versions and other spellings do not open")
    func malformed() throws {
        let sealed = box.seal(secret, context: "a", entropy: .seeded(1))
        for count in 0..<sealed.count {
            #expect(throws: SealingError()) { try box.open(String(sealed.prefix(count)), context: "a") }
        }
        for other in [
            sealed + "=", sealed + "A", sealed + "AAAA", sealed + "\n", " " + sealed, "v2." + sealed.dropFirst(3),
            "V1." + sealed.dropFirst(3), "v1" + sealed.dropFirst(3), "v1.v1." + sealed.dropFirst(3),
            "v1." + Base64.encode(try #require(Base64.decode(sealed.dropFirst(3), forAddress: true))) + "==",
        ] { #expect(throws: SealingError()) { try box.open(other, context: "a") } }
    }
}
