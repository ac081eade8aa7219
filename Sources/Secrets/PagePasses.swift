import Crypto
package import Values

/// What a page of the console shows to the data plane, so that a person may try an app there with a key for servers.
///
/// A call that a browser makes is refused, because a page that has such a key in it gives it to everybody. In the console
/// it is a person who types the key, for one call. Their page gets a pass for that call. A pass opens nothing: the key is
/// checked as ever, and so is the host that it may be bound to.
///
/// A pass is its last second and a keyed digest of that.
package struct PagePasses: Sendable {
    /// How long a pass is good, in seconds.
    package static let life: Int64 = 60

    private let digest: KeyedDigest

    init(key: SymmetricKey) { digest = KeyedDigest(key: key.withUnsafeBytes { Array($0) }) }

    package func issue(at now: Timestamp) -> String { text(until: now.seconds + Self.life) }

    /// Whether a pass is one of ours and still good.
    package func isGood(_ pass: Text, at now: Timestamp) -> Bool {
        guard pass.utf8.count <= 64, let (end, _) = pass.split(atFirst: "."), let second = Int64(end.string),
            Secret(text(until: second)).isSame(as: Secret(pass.string))
        else { return false }
        return (now.seconds...now.seconds + Self.life).contains(second)
    }

    private func text(until second: Int64) -> String {
        "\(second)." + Base64.encode(digest.of(Array(String(second).utf8)), forAddress: true)
    }
}
