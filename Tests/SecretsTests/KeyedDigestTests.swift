import Crypto
import Testing

@testable import Secrets

@Suite("Keyed digests")
struct KeyedDigestTests {
    private func text(_ digest: some Sequence<UInt8>) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("the examples of RFC 4231, 4.2 and 4.3") func examples() {
        #expect(
            text(KeyedDigest(key: [UInt8](repeating: 0x0B, count: 20)).of(Array("Hi There".utf8)))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            text(KeyedDigest(key: Array("Jefe".utf8)).of(Array("what do ya want for nothing?".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("any key and message of these lengths has the digest that the library says, asked twice too") func lengths() {
        for keyLength in [0, 1, 31, 32, 63, 64] {
            let key = (0..<keyLength).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ keyLength) }
            let digest = KeyedDigest(key: key)
            for length in 0...130 {
                let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 101 &+ length) }
                let expected = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))
                #expect(text(digest.of(message)) == text(expected))
                #expect(digest.of(message) == digest.of(message))
            }
        }
    }

    @Test("printing it shows no state") func shown() {
        let digest = KeyedDigest(key: [1, 2, 3])
        #expect(Mirror(reflecting: digest).children.isEmpty)
    }
}
