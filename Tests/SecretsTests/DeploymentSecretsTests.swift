import Secrets
import Testing
import Values

struct DeploymentSecretsTests {
    /// Written by another implementation (Python's hmac) from the same two keys.
    @Test("what is derived from the keys is HKDF-SHA256 and HMAC-SHA256, as it will be in ten years")
    func knownAnswers() {
        let keys = Samples.keys
        #expect(keys.fingerprint == "v1.gwfh6gaGQBAWY_xu3I8MrcTQBLlwiqqm5a4x_XB-NPE")
        #expect(keys.csrfToken(for: "session-1") == "dQqdjpXT813y2CDT5BmySVCotWdxw38KfFSwKPjiREA")
        #expect(
            keys.lookupDigest(of: Secret("abc"), purpose: "session") == "WtLB3NRFrTx6b2E4QvXZRhs95Ow6DezpBDZqKpxxuGQ")
    }

    @Test("the fingerprint changes with either key, and when the two are exchanged")
    func fingerprints() {
        let pairs: [(UInt8, UInt8)] = [(1, 2), (1, 3), (3, 2), (2, 1), (1, 1)]
        let fingerprints = pairs.map { pair in
            DeploymentSecrets(master: Samples.bytes(pair.0), pepper: Samples.bytes(pair.1)).fingerprint
        }
        #expect(Set(fingerprints).count == pairs.count)
    }

    @Test("the token of one session fits no other session and no other master key")
    func csrf() {
        let keys = Samples.keys
        let other = DeploymentSecrets(master: Samples.bytes(9), pepper: Samples.bytes(2))
        #expect(Set([keys.csrfToken(for: "a"), keys.csrfToken(for: "b"), other.csrfToken(for: "a")]).count == 3)
    }

    @Test("a digest for looking up depends on purpose, secret and pepper, and on where the purpose ends")
    func lookup() {
        let keys = Samples.keys
        let digests = [
            keys.lookupDigest(of: Secret("abc"), purpose: "session"),
            keys.lookupDigest(of: Secret("abd"), purpose: "session"),
            keys.lookupDigest(of: Secret("abc"), purpose: "invitation"),
            keys.lookupDigest(of: Secret("nabc"), purpose: "sessio"),
            keys.lookupDigest(of: Secret("bc"), purpose: "sessiona"),
            Samples.otherKeys.lookupDigest(of: Secret("abc"), purpose: "session"),
        ]
        #expect(Set(digests).count == digests.count)
        #expect(digests[0] == keys.lookupDigest(of: Secret("abc"), purpose: "session"))
    }

    @Test("printing the keys shows none of them")
    func printing() {
        let keys = DeploymentSecrets(master: Secret([UInt8](repeating: 173, count: 32)), pepper: Secret("pepperpepper"))
        var shown = "\(keys) \(String(reflecting: keys))"
        dump(keys, to: &shown)
        #expect(!shown.contains("pepperpepper"))
        #expect(!shown.contains("173"))
        #expect(!shown.contains("112, 101, 112"))
    }
}
