import Testing
import Values

@testable import Secrets

struct RevealPairTests {
    private let key = RevealPrivateKey.generate(.seeded(1))
    private let secret = Secret("sk-upstream")
    private let place = "credential:1"

    @Test(
        "what was sealed to the public key opens with the private one, whatever its length",
        arguments: [0, 1, 54, 4096])
    func roundTrip(count: Int) throws {
        let secret = Secret.random(count, from: .seeded(2))
        let sealed = try #require(RevealPublicKey(key.publicKey.text)).seal(secret, context: place)
        #expect(try key.open(sealed, context: place).isSame(as: secret))
    }

    /// Written by another implementation (Python's X25519, hmac and AES-GCM, put together as in RFC 9180).
    @Test("a copy is HPKE's encapsulated key and ciphertext, and the public key is X25519's")
    func knownAnswer() throws {
        let key = try #require(RevealPrivateKey(Secret((0..<32).map { UInt8($0) })))
        #expect(key.publicKey.text == "v1.j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8")
        let sealed = "v1.NYBy1jZYgNGu6jKa35EhODhR7SGijjt16WXQ0s0WYlSOGrluW96OyYgQpicE3b1NLxDGVNn-fDzU7Uo"
        #expect(try key.open(sealed, context: place).isSame(as: secret))
    }

    @Test("not one bit of a copy can be changed")
    func bits() throws {
        let sealed = key.publicKey.seal(secret, context: place)
        let bytes = try #require(Base64.decode(sealed.dropFirst(3), forAddress: true))
        #expect(bytes.count == 32 + 11 + 16)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                #expect(throws: SealingError()) {
                    try key.open("v1." + Base64.encode(changed, forAddress: true), context: place)
                }
            }
        }
    }

    @Test(
        "a copy does not open in another place",
        arguments: ["", "credential:2", "credential:", "Credential:1", "credential:1 ", "credential:1\0"])
    func contexts(context: String) {
        let sealed = key.publicKey.seal(secret, context: place)
        #expect(throws: SealingError()) { try key.open(sealed, context: context) }
    }

    @Test("a copy does not open with another key")
    func keys() throws {
        let other = RevealPrivateKey.generate(.seeded(2))
        #expect(other.publicKey != key.publicKey)
        let sealed = key.publicKey.seal(secret, context: place)
        #expect(throws: SealingError()) { try other.open(sealed, context: place) }
    }

    @Test("sealing the same twice gives two copies with nothing in common")
    func ephemeral() {
        let sealed = (0..<50).map { _ in key.publicKey.seal(secret, context: place) }
        #expect(Set(sealed.map { $0.prefix(40) }).count == 50)
        #expect(Set(sealed.map { $0.suffix(20) }).count == 50)
    }

    @Test("cut, extended, padded, other versions and other spellings do not open")
    func malformed() throws {
        let sealed = key.publicKey.seal(secret, context: place)
        for count in 0..<sealed.count {
            #expect(throws: SealingError()) { try key.open(String(sealed.prefix(count)), context: place) }
        }
        for other in [
            sealed + "=", sealed + "A", sealed + "AAAA", sealed + "\n", " " + sealed, "v2." + sealed.dropFirst(3),
            "V1." + sealed.dropFirst(3), "v1" + sealed.dropFirst(3), "v1.v1." + sealed.dropFirst(3), "v1.",
        ] { #expect(throws: SealingError()) { try key.open(other, context: place) } }
    }

    @Test("the text of a public key gives it back; there is one for each, and none of another shape is read")
    func texts() throws {
        let text = key.publicKey.text
        #expect(RevealPublicKey(text) == key.publicKey)
        #expect(RevealPublicKey(text)?.text == text)
        for count in 0..<text.count { #expect(RevealPublicKey(String(text.prefix(count))) == nil) }
        for other in [
            text + "A", text + "AA", text + "=", text + "\n", " " + text, "v2." + text.dropFirst(3),
            "V1." + text.dropFirst(3), String(text.dropFirst(3)), "v1." + text,
        ] { #expect(RevealPublicKey(other) == nil) }
    }

    /// The list of cr.yp.to/ecdh.html, each as 32 bytes, the lowest first.
    @Test("a point of small order, to which anyone could open, is no public key")
    func smallOrder() {
        let p = [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
        let zero = [UInt8](repeating: 0, count: 32)
        var points = [zero, p]
        for (low, base) in [(1, zero), (0xEC, p), (0xEE, p)] as [(UInt8, [UInt8])] {
            points.append([low] + base.dropFirst())
        }
        points.append([
            0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56, 0xE3, 0xFA, 0xF1, 0x9F, 0xC4, 0x6A,
            0xDA, 0x09, 0x8D, 0xEB, 0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16, 0x5F, 0x49, 0xB8, 0x00,
        ])
        points.append([
            0x5F, 0x9C, 0x95, 0xBC, 0xA3, 0x50, 0x8C, 0x24, 0xB1, 0xD0, 0xB1, 0x55, 0x9C, 0x83, 0xEF, 0x5B,
            0x04, 0x44, 0x5C, 0xC4, 0x58, 0x1C, 0x8E, 0x86, 0xD8, 0x22, 0x4E, 0xDD, 0xD0, 0x9F, 0x11, 0x57,
        ])
        for point in points { #expect(RevealPublicKey("v1." + Base64.encode(point, forAddress: true)) == nil) }
    }

    @Test("printing the private key shows nothing of it")
    func printing() {
        var shown = "\(key) \(String(reflecting: key))"
        dump(key, to: &shown)
        #expect(!shown.contains(Base64.encode(key.secret.withBytes { Array($0) })))
        #expect(shown.split(separator: "\n").count == 1)
        let anything: Any = key
        #expect(!(anything is any Equatable))
        #expect(!(anything is any Encodable))
    }
}
