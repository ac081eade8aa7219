import Testing
import Values

@testable import Secrets

struct EntropyTests {
    @Test("a source gives as many bytes as were asked for", arguments: [0, 1, 7, 8, 9, 33, 1000])
    func count(count: Int) {
        #expect(Entropy.system.bytes(count).count == count)
        #expect(Entropy.seeded(1).bytes(count).count == count)
    }

    @Test("a seed replays the same bytes, which differ from call to call and from seed to seed")
    func seeds() {
        let (one, same, other) = (Entropy.seeded(1), Entropy.seeded(1), Entropy.seeded(2))
        let first = one.bytes(32)
        #expect(first == same.bytes(32))
        #expect(first != one.bytes(32))
        #expect(first != other.bytes(32))
    }

    @Test("seeded randomness is SplitMix64 as published")
    func splitMix() {
        // The first two outputs for the seed 1234567 in the reference implementation's published test.
        let entropy = Entropy.seeded(1_234_567)
        #expect(entropy.word().byteSwapped == 6_457_827_717_110_365_317)
        #expect(entropy.word().byteSwapped == 3_203_168_211_198_807_973)
    }

    @Test("words of the system's generator differ")
    func words() { #expect(Set((0..<1000).map { _ in Entropy.system.word() }).count == 1000) }

    @Test("CRC-32 has the check value of its catalogue entry")
    func crc() {
        #expect(CRC32.checksum("123456789".utf8) == 0xCBF4_3926)
        #expect(CRC32.checksum("".utf8) == 0)
        #expect(CRC32.checksum("12345".utf8, ArraySlice("6789".utf8)) == 0xCBF4_3926)
    }

    @Test("base62 numbers are read up to the last that fits 64 bits and no further")
    func base62() {
        #expect(Base62.digits(of: .max, count: 11) == Array("LygHa16AHYF".utf8))
        #expect(Base62.number("LygHa16AHYF".utf8) == .max)
        #expect(Base62.number("LygHa16AHYG".utf8) == nil)
        #expect(Base62.number("zzzzzzzzzzz".utf8) == nil)
        #expect(Base62.number("100000000000".utf8) == nil)
        #expect(Base62.digits(of: 61, count: 3) == Array("00z".utf8))
        for number in [0, 1, 61, 62, 3843, 3844, 0xFFFF_FFFF] as [UInt64] {
            #expect(Base62.number(Base62.digits(of: number, count: 6)) == number)
        }
    }

    @Test("base62 has 62 characters, each its own value")
    func alphabet() {
        let values = (0...255).compactMap { Base62.value(UInt8($0)) }
        #expect(values.sorted() == Array(0..<62))
        for value in 0..<62 as Range<UInt64> { #expect(Base62.value(Base62.digits(of: value, count: 1)[0]) == value) }
    }
}
