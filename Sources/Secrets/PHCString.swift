/// An Argon2id hash with its parameters and salt, as the password hashing competition writes it:
/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, base64 without padding.
///
/// Read strictly, one spelling for one value, so that `PHCString(text)?.text == text`.
///
/// Printing it or a record that holds it shows nothing: ``text`` is for the database alone.
package struct PHCString: Sendable, CustomStringConvertible, CustomReflectable {
    package let parameters: Argon2Parameters
    let salt: [UInt8]
    let hash: [UInt8]

    init(parameters: Argon2Parameters, salt: [UInt8], hash: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
    }

    /// `nil` for anything but an Argon2id string of version 19 whose numbers libargon2 could take.
    package init?(_ text: String) {
        guard text.utf8.count <= 256, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].isEmpty, parts[1] == "argon2id", parts[2] == "v=19" else { return nil }
        guard let parameters = Argon2Parameters(unchecked: parts[3]), let salt = Base64.decode(parts[4]),
            (8...64).contains(salt.count), let hash = Base64.decode(parts[5]), (16...64).contains(hash.count)
        else { return nil }
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
    }

    package var text: String {
        "$argon2id$v=19$\(parameters.text)$\(Base64.encode(salt))$\(Base64.encode(hash))"
    }

    package var description: String { "‹hash›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Argon2Parameters {
    /// Reads `m=19456,t=2,p=1`: numbers that libargon2 could take, though perhaps above or below what a deployment may.
    init?(unchecked text: Substring) {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false)
        guard numbers.count == 3, let memory = Self.number(numbers[0], "m="),
            let passes = Self.number(numbers[1], "t="),
            let lanes = Self.number(numbers[2], "p="), lanes <= 255, memory >= 8 * lanes
        else { return nil }
        self.init(unchecked: memory, passes, lanes)
    }

    var text: String { "m=\(memoryKiB),t=\(iterations),p=\(parallelism)" }

    /// A positive decimal without leading zeros, below 2³².
    private static func number(_ text: Substring, _ name: String) -> Int? {
        guard text.hasPrefix(name) else { return nil }
        let digits = text.dropFirst(name.count)
        guard (1...10).contains(digits.utf8.count), digits.utf8.first != UInt8(ascii: "0"),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt32(digits)
        else { return nil }
        return Int(value)
    }
}

/// Base64 without padding (RFC 4648 §3.2), in the standard alphabet or the one for addresses.
enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let forAddresses = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: some Sequence<UInt8>, forAddress: Bool = false) -> String {
        let alphabet = forAddress ? forAddresses : standard
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 0x3F)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 0x3F)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` also where bits are left over that the encoder would have written as zero.
    static func decode(_ text: some StringProtocol, forAddress: Bool = false) -> [UInt8]? {
        let alphabet = forAddress ? forAddresses : standard
        guard text.utf8.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(digit)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bits & (1 << UInt32(count) - 1) == 0 ? bytes : nil
    }
}
