import Testing
import Values

@testable import Secrets

struct PHCStringTests {
    private static let salt = "c2l4dGVlbi5zYWx0LjE2Yg"
    private static let hash = "cV0xlSfcrB+4L0C+GeAmyTCTgcouQvWAGZ1kwx3gJcU"
    private static let text = "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)"

    @Test("a PHC string is read into its parts and written back as it was")
    func reading() throws {
        let phc = try #require(PHCString(Self.text))
        #expect(phc.parameters == .standard)
        #expect(phc.salt == Array("sixteen.salt.16b".utf8))
        #expect(phc.hash.count == 32)
        #expect(phc.text == Self.text)
    }

    @Test("any salt of 8 to 64 bytes and hash of 16 to 64 survives writing and reading")
    func lengths() throws {
        let entropy = Entropy.seeded(3)
        for (salt, hash) in zip(8...64, Array(16...64) + Array(16...23)) {
            let phc = PHCString(
                parameters: Argon2Parameters(unchecked: 8 * salt, hash, salt % 16 + 1), salt: entropy.bytes(salt),
                hash: entropy.bytes(hash))
            guard phc.parameters.memoryKiB >= 8 * phc.parameters.parallelism else { continue }
            let read = try #require(PHCString(phc.text), "salt \(salt), hash \(hash)")
            #expect(read.text == phc.text)
            #expect(read.salt == phc.salt)
            #expect(read.hash == phc.hash)
        }
    }

    @Test(
        "there is one spelling for one value; others are refused",
        arguments: [
            "", "$", "$$$$$", "argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)",
            "$argon2i$v=19$m=19456,t=2,p=1$\(salt)$\(hash)", "$argon2d$v=19$m=19456,t=2,p=1$\(salt)$\(hash)",
            "$Argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)", "$argon2id$v=16$m=19456,t=2,p=1$\(salt)$\(hash)",
            "$argon2id$m=19456,t=2,p=1$\(salt)$\(hash)", "$argon2id$v=19$m=19456,t=2$\(salt)$\(hash)",
            "$argon2id$v=19$t=2,m=19456,p=1$\(salt)$\(hash)", "$argon2id$v=19$m=19456,t=2,p=1,keyid=a$\(salt)$\(hash)",
            "$argon2id$v=19$m=019456,t=2,p=1$\(salt)$\(hash)", "$argon2id$v=19$m=+19456,t=2,p=1$\(salt)$\(hash)",
            "$argon2id$v=19$m=19456,t=0,p=1$\(salt)$\(hash)", "$argon2id$v=19$m=19456,t=-2,p=1$\(salt)$\(hash)",
            "$argon2id$v=19$m=19456,t=,p=1$\(salt)$\(hash)", "$argon2id$v=19$m=4294967296,t=2,p=1$\(salt)$\(hash)",
            "$argon2id$v=19$m=19456,t=2,p=256$\(salt)$\(hash)", "$argon2id$v=19$m=15,t=2,p=2$\(salt)$\(hash)",
            "$argon2id$v=19$m=19456, t=2,p=1$\(salt)$\(hash)", "$argon2id$v=19$m=1945٦,t=2,p=1$\(salt)$\(hash)",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)==$\(hash)", "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)=",
            "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbi5zYWx0LjE2Yh$\(hash)",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$cV0xlSfcrB+4L0C+GeAmyTCTgcouQvWAGZ1kwx3gJcV",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$cV0xlSfcrB-4L0C-GeAmyTCTgcouQvWAGZ1kwx3gJcU",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)A$\(hash)AA", "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)$",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)\n", " $argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash)",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$\(hash) ", "$argon2id$v=19$m=19456,t=2,p=1$$\(hash)",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAA$\(hash)",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$AAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=2,p=1$\(salt)$" + String(repeating: "A", count: 87),
        ])
    func strictness(text: String) { #expect(PHCString(text) == nil) }

    @Test("of 120,000 damaged strings each is refused or read back exactly")
    func fuzz() {
        let whole = Array(Self.text.utf8)
        let favoured = Array("$,=+/-_ mtpv019AZaz\n\0\u{FF}".utf8)
        let entropy = Entropy.seeded(11)
        var accepted = 0
        for _ in 0..<120_000 {
            var bytes = whole
            let dice = entropy.bytes(8)
            for round in 0...Int(dice[0] % 2) {
                let place = Int(dice[1 + 3 * round]) % bytes.count
                let other = dice[2 + 3 * round]
                switch dice[3 + 3 * round] % 5 {
                case 0: bytes[place] = favoured[Int(other) % favoured.count]
                case 1: bytes[place] = other
                case 2: bytes.remove(at: place)
                case 3: bytes.insert(favoured[Int(other) % favoured.count], at: place)
                default: bytes.swapAt(place, Int(other) % bytes.count)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let phc = PHCString(text) else { continue }
            accepted += 1
            if phc.text != text { Issue.record("\(text) was read as \(phc.text)") }
        }
        // Changed digits and changed base64 are other valid strings: without any, nothing would have been tried.
        #expect(accepted > 1000)
    }

    @Test("printing a hash, or what holds it, shows nothing of it")
    func printing() throws {
        let phc = try #require(PHCString(Self.text))
        var shown = "\(phc) \(String(reflecting: phc)) \(Optional(phc) as Any)"
        dump([phc], to: &shown)
        #expect(!shown.contains("115, 105, 120"))
        #expect(!shown.contains(Self.salt))
        #expect(!shown.contains("19456"))
    }

    @Test("base64 of any length survives writing and reading, in both alphabets")
    func base64() {
        let entropy = Entropy.seeded(4)
        for count in 0..<100 {
            let bytes = entropy.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encode(bytes, forAddress: true), forAddress: true) == bytes)
        }
        // RFC 4648 §10, without the padding.
        let vectors = [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ]
        for (plain, encoded) in vectors { #expect(Base64.encode(Array(plain.utf8)) == encoded) }
        #expect(Base64.encode([0xFB, 0xFF, 0xFE]) == "+//+")
        #expect(Base64.encode([0xFB, 0xFF, 0xFE], forAddress: true) == "-__-")
    }

    @Test(
        "base64 that the encoder would not have written is refused",
        arguments: ["Z", "Zh", "Zm9", "Zm9vZ", "Zg==", "Zg=", "Zm 9v", "Zm9v\n", "Zm-v", "Zm_v", "Zmäv"])
    func base64Strictness(text: String) { #expect(Base64.decode(text) == nil) }

    @Test("the alphabet for addresses doesn't take the standard one's two characters", arguments: ["Zm+v", "Zm/v"])
    func base64Alphabets(text: String) {
        #expect(Base64.decode(text) != nil)
        #expect(Base64.decode(text, forAddress: true) == nil)
    }
}
