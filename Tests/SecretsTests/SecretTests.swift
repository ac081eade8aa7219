import Testing
import Values

@testable import Secrets

struct SecretTests {
    private struct Holder {
        let name = "holder"
        let secret: Secret
    }

    private let secret = Secret("open sesame")

    @Test("no way of printing a secret shows it, nor when it is part of something else")
    func printing() {
        var dumped = ""
        dump(secret, to: &dumped)
        dump(Holder(secret: secret), to: &dumped)
        dump([secret], to: &dumped)
        let shown = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\(Holder(secret: secret))",
            String(reflecting: [secret]), "\(Optional(secret) as Any)", dumped,
        ]
        for text in shown {
            #expect(text.contains("‹secret›"))
            #expect(!text.contains("sesame"))
            #expect(!text.contains("111, 112, 101, 110"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("a secret can be neither compared with == nor hashed nor encoded")
    func conformances() {
        let anything: Any = secret
        #expect(!(anything is any Equatable))
        #expect(!(anything is any Hashable))
        #expect(!(anything is any Encodable))
        #expect(!(anything is any Decodable))
        #expect(!(anything is any TextOutputStreamable))
    }

    @Test("a secret gives back its bytes and its text as they were")
    func content() {
        #expect(secret.count == 11)
        #expect(secret.withBytes { Array($0) } == Array("open sesame".utf8))
        #expect(secret.exposed() == "open sesame")
        #expect(Secret([]).count == 0)
        #expect(Secret("").exposed() == "")
        #expect(Secret("schön").count == 6)
    }

    @Test("bytes of a secret that nothing else holds are there for as long as they are read")
    func temporary() {
        for _ in 0..<1000 {
            #expect(Secret("abc").withBytes { Array($0) } == [0x61, 0x62, 0x63])
            #expect(!Secret([1, 2, 3]).isSame(as: Secret([1, 2, 4])))
        }
    }

    @Test("two secrets are the same only with every byte and the length the same")
    func comparing() {
        #expect(secret.isSame(as: Secret("open sesame")))
        #expect(Secret([]).isSame(as: Secret([])))
        #expect(!secret.isSame(as: Secret("open sesam")))
        #expect(!secret.isSame(as: Secret("open sesame\0")))
        #expect(!secret.isSame(as: Secret([])))
        let bytes = secret.withBytes { Array($0) }
        for index in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[index] ^= 1 << bit
                #expect(!secret.isSame(as: Secret(other)))
            }
        }
    }

    @Test("what a closure throws comes out of withBytes with its own type")
    func throwing() {
        #expect(throws: TokenFormatError()) {
            try secret.withBytes { _ throws(TokenFormatError) in throw TokenFormatError() }
        }
    }

    @Test("a random secret takes its bytes from the source it was given")
    func random() {
        #expect(Secret.random(32, from: .seeded(5)).isSame(as: Secret(Entropy.seeded(5).bytes(32))))
        #expect(!Secret.random(32, from: .system).isSame(as: .random(32, from: .system)))
    }
}
