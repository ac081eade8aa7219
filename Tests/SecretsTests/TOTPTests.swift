import Secrets
import Testing
import Values

struct TOTPTests {
    private static let rfc = TOTP(secret: Secret("12345678901234567890"))

    @Test(
        "codes are those of RFC 6238, appendix B, for SHA-1",
        arguments: [
            (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
        ] as [(Int64, String)])
    func vectors(seconds: Int64, code: String) {
        #expect(Self.rfc.step(matching: String(code.suffix(6)), at: seconds, after: nil) == seconds / 30)
        #expect(Self.rfc.step(matching: code, at: seconds, after: nil) == nil, "eight digits are not six")
    }

    @Test("a code counts in its step, in the one before and in the one after, and in no other")
    func window() {
        // The code of step 1, 30 to 59; the window is 0 to 89.
        for seconds in 0...300 as ClosedRange<Int64> {
            #expect(Self.rfc.step(matching: "287082", at: seconds, after: nil) == (seconds < 90 ? 1 : nil))
        }
        // The code of step 37,037,036.
        for offset in -100...100 as ClosedRange<Int64> {
            let step = Self.rfc.step(matching: "081804", at: 37_037_036 * 30 + offset, after: nil)
            #expect(step == ((-30..<60).contains(offset) ? 37_037_036 : nil))
        }
    }

    @Test("each code counts once, and none that is older than one that was used")
    func replay() {
        for (lastUsed, step) in [(nil, 1), (-1, 1), (0, 1), (1, nil), (2, nil), (11, nil)] as [(Int64?, Int64?)] {
            #expect(Self.rfc.step(matching: "287082", at: 59, after: lastUsed) == step)
        }
    }

    @Test("a step that was used by a clock that was ahead shuts nobody out")
    func ahead() {
        for lastUsed in [12, 1_000_000, .max] as [Int64] {
            #expect(Self.rfc.step(matching: "287082", at: 59, after: lastUsed) == 1)
        }
    }

    /// The first two neighbours with the same code, found by another implementation (Python's hmac).
    @Test("where two steps have the same code the later one is meant, and then neither counts again")
    func twins() {
        let (code, later) = ("911617", 910_738 as Int64)
        let seconds = later * 30
        #expect(Self.rfc.step(matching: code, at: seconds - 60, after: nil) == later - 1)
        for seconds in [seconds - 30, seconds, seconds + 30] {
            #expect(Self.rfc.step(matching: code, at: seconds, after: nil) == later)
            #expect(Self.rfc.step(matching: code, at: seconds, after: later - 1) == later)
            #expect(Self.rfc.step(matching: code, at: seconds, after: later) == nil)
        }
    }

    @Test(
        "anything but six digits is no code",
        arguments: [
            "", "28708", "2870822", "287 082", " 287082", "287082\n", "28708a", "+87082", "-87082", "28708\0", "２87082",
            "28708٢", "287O82", "0x1234",
        ])
    func malformed(code: String) { #expect(Self.rfc.step(matching: code, at: 59, after: nil) == nil) }

    @Test(
        "no time, however early or late, is a trap", arguments: [.min, -31, -30, -1, 0, 29, .max - 1, .max] as [Int64])
    func extremes(seconds: Int64) {
        // The code of step 0 (RFC 4226, appendix D).
        let step = Self.rfc.step(matching: "755224", at: seconds, after: nil)
        #expect(step == ((0...59).contains(seconds) ? 0 : nil))
    }

    /// The neighbours' codes are from another implementation (Python's hmac).
    @Test("of a million codes three count at a time, each for its own step")
    func guesses() {
        let expected: [Int: Int64] = [980_357: 41_152_262, 5924: 41_152_263, 590_587: 41_152_264]
        var found: [Int: Int64] = [:]
        for number in Array(0..<10_000) + Array(expected.keys) {
            let digits = String(number)
            let code = String(repeating: "0", count: 6 - digits.count) + digits
            found[number] = Self.rfc.step(matching: code, at: 1_234_567_890, after: nil)
        }
        #expect(found == expected)
    }

    @Test("a new secret has 20 bytes of the source's")
    func random() {
        #expect(TOTP.random(.seeded(3)).secret.isSame(as: Secret(Entropy.seeded(3).bytes(20))))
        #expect(!TOTP.random(.system).secret.isSame(as: TOTP.random(.system).secret))
    }

    /// RFC 4648 §10, and Python's base64.
    @Test(
        "base32 is RFC 4648's without padding",
        arguments: [
            ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"), ("12345678901234567890", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
        ])
    func base32(plain: String, encoded: String) { #expect(TOTP(secret: Secret(plain)).base32 == encoded) }

    @Test("the address says all that an app must know, and nothing in a name can add to it")
    func addresses() {
        let start = "otpauth://totp/"
        let query = "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer="
        let end = "&algorithm=SHA1&digits=6&period=30"
        #expect(
            Self.rfc.uri(issuer: "Latchkey", account: "ada@example.org")
                == "\(start)Latchkey:ada%40example.org\(query)Latchkey\(end)")
        #expect(
            Self.rfc.uri(issuer: "A&B: 1+1/2?", account: "x&secret=AAAA#%é")
                == "\(start)A%26B%3A%201%2B1%2F2%3F:x%26secret%3DAAAA%23%25%C3%A9\(query)A%26B%3A%201%2B1%2F2%3F\(end)")
        #expect(Self.rfc.uri(issuer: "a-b._~", account: "") == "\(start)a-b._~:\(query)a-b._~\(end)")
    }

    @Test("printing it shows nothing of the secret")
    func printing() {
        var shown = "\(Self.rfc) \(String(reflecting: Self.rfc))"
        dump(Self.rfc, to: &shown)
        #expect(!shown.contains("1234"))
        #expect(!shown.contains("49, 50"))
        #expect(!shown.contains("GEZD"))
    }
}
