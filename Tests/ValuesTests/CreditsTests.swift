import Testing

@testable import Values

@Suite("Amounts of credits")
struct CreditsTests {
    @Test(
        "read exactly, and written the shortest way",
        arguments: [
            ("0", 0, "0"), ("20", 20_000_000, "20"), ("0.5", 500_000, "0.5"), ("-3.000001", -3_000_001, "-3.000001"),
            ("0.000001", 1, "0.000001"), ("-0.000001", -1, "-0.000001"), ("0.10", 100_000, "0.1"),
            ("1.500000", 1_500_000, "1.5"), ("100", 100_000_000, "100"), ("1000000", 1_000_000_000_000, "1000000"),
            ("9223372036854.775807", .max, "9223372036854.775807"),
            ("-9223372036854.775808", .min, "-9223372036854.775808"),
            ("-9223372036854.775807", -.max, "-9223372036854.775807"),
        ] as [(String, Int64, String)])
    func exact(text: String, micro: Int64, decimal: String) {
        #expect(Credits(decimal: text)?.micro == micro)
        #expect(Credits(micro: micro).decimal == decimal)
        #expect(Credits(decimal: decimal)?.micro == micro)
    }

    @Test(
        "other spellings of an amount",
        arguments: [
            ("1e3", 1_000_000_000), ("1E3", 1_000_000_000), ("1e+3", 1_000_000_000), ("1e-3", 1000),
            ("1.5e1", 15_000_000), ("1e-6", 1), ("10e-7", 1), ("0.00001e1", 100), ("2000000e-12", 2),
            ("0.0000010", 1), ("1.0000000000", 1_000_000), ("1000000000000000e-15", 1_000_000),
            ("0.00000000000000000001e20", 1_000_000), ("9.223372036854775807e12", .max),
            ("9223372036854775807e-6", .max), ("-9223372036854775808e-6", .min), ("1e12", 1_000_000_000_000_000_000),
            ("-0", 0), ("-0.0", 0), ("-0e5", 0), ("0e9999", 0), ("0e-999", 0), ("0.0000000", 0), ("1e0", 1_000_000),
            ("1e-0", 1_000_000), ("1e03", 1_000_000_000),
        ] as [(String, Int64)])
    func spellings(text: String, micro: Int64) { #expect(Credits(decimal: text)?.micro == micro) }

    @Test(
        "a smaller part than a micro-credit, and what doesn't fit, is no amount",
        arguments: [
            "0.0000001", "1e-7", "-1e-7", "0.0000015", "1.0000000001", "15e-7", "0.1e-6", "1e-9999",
            "9223372036854.775808", "-9223372036854.775809", "9223372036854.7758070001", "9223372036855", "1e13",
            "-1e13", "1e18", "1e9999", "-1e9999", "99999999999999999999", "18446744073709.551616", "1e19",
            "184467440737095.51616", "922337203685477580.7", "12345678901234567890.123456",
        ])
    func unfit(text: String) { #expect(Credits(decimal: text) == nil) }

    @Test(
        "what is no number is no amount",
        arguments: [
            "", " ", "-", "+", "+1", "--1", "-+1", ".", ".5", "5.", "-.5", "1.e3", "1..2", "1.2.3", "1e", "1e+", "1e-",
            "e3", "1e1.5", "1e1e1", "1e 3", "1 ", " 1", "1 000", "1_000", "1,5", "1,000", "0x10", "1f", "NaN", "nan",
            "Infinity", "-inf", "null", "true", "١", "１", "1٠", "1e٣", "½", "1\u{0}", "1\n", "\u{FEFF}1", "1\u{301}",
            "1e99999", "1e-99999", "1e+10000000000000000000000", "$1", "1%",
        ])
    func junk(text: String) { #expect(Credits(decimal: text) == nil) }

    @Test(
        "a number as JSON writes it has no zero before its first digit", arguments: ["00", "01", "-01", "007", "00.5"])
    func leadingZeros(text: String) { #expect(Credits(decimal: text) == nil) }

    @Test("a text of any length is taken exactly or refused, never taken for another amount") func long() {
        for text in ["0e-99999", "0e99999", "1e000000", "1e-00000"] {
            #expect([nil, .zero, Credits(micro: 1_000_000)].contains(Credits(decimal: text)), "\(text)")
        }
        for count in [40, 57, 58, 64, 65, 100, 5000] {
            let zeros = String(repeating: "0", count: count)
            for (text, micro) in [("1." + zeros, 1_000_000), ("0." + zeros, 0), ("2" + zeros, nil)]
                as [(String, Int64?)]
            {
                let found = Credits(decimal: text)?.micro
                #expect(found == nil || found == micro, "\(count)")
            }
        }
        #expect(Credits(decimal: "1." + String(repeating: "0", count: 40))?.micro == 1_000_000)
    }

    @Test("the largest exponents that a machine can count are refused, and end nothing") func extremeExponents() async {
        await #expect(processExitsWith: .success) {
            for exponent in [
                "-9223372036854775808", "-9223372036854775807", "9223372036854775807", "9223372036854775808",
            ] {
                for digits in ["1", "10", "0.1", "-1", "9223372036854775807"] {
                    precondition(Credits(decimal: digits + "e" + exponent) == nil)
                    precondition(Multiplier(decimal: digits + "e" + exponent) == nil)
                }
                _ = Credits(decimal: "0e" + exponent)
            }
        }
    }

    @Test("every amount reads back as itself") func roundTrip() {
        var word: UInt64 = 1
        for shift in 0..<20_000 {
            word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Of all sizes.
            let micro = Int64(bitPattern: word) >> Int64(shift % 64)
            let credits = Credits(micro: micro)
            #expect(Credits(decimal: credits.decimal) == credits)
        }
    }

    @Test("sums, differences and products that don't fit are none, and never wrong") func arithmetic() {
        let most = Credits.most
        let least = Credits(micro: .min)
        let one = Credits(micro: 1)
        #expect(most.adding(one) == nil)
        #expect(most.adding(.zero) == most)
        #expect(most.adding(most) == nil)
        #expect(least.adding(Credits(micro: -1)) == nil)
        #expect(least.adding(most) == Credits(micro: -1))
        #expect(least.subtracting(one) == nil)
        #expect(most.subtracting(most) == .zero)
        #expect(Credits.zero.subtracting(least) == nil)
        #expect(Credits(micro: -1).subtracting(least) == most)
        #expect(most.times(1) == most)
        #expect(most.times(2) == nil)
        #expect(most.times(0) == .zero)
        #expect(least.times(-1) == nil)
        #expect(one.times(.max) == most)
        #expect(Credits(micro: 2).times(.max) == nil)
        #expect(most > .zero && least < .zero && one < most)
    }
}

@Suite("What a call costs")
struct PriceTests {
    @Test("prices are 0 to 1,000,000,000 credits, multipliers 0 to 1,000") func bounds() {
        #expect(Price(.zero)?.credits == .zero)
        #expect(Price(Credits(micro: 1_000_000_000_000_000)) != nil)
        #expect(Price(Credits(micro: 1_000_000_000_000_001)) == nil)
        #expect(Price(Credits(micro: -1)) == nil)
        #expect(Price(.most) == nil)
        #expect(Price(Credits(micro: .min)) == nil)
        #expect(Price.standard.credits.decimal == "20")
        #expect(Multiplier(millionths: 0)?.decimal == "0")
        #expect(Multiplier(millionths: 1_000_000_000)?.decimal == "1000")
        #expect(Multiplier(millionths: 1_000_000_001) == nil)
        #expect(Multiplier(millionths: -1) == nil)
        #expect(Multiplier(millionths: .max) == nil)
        #expect(Multiplier(millionths: .min) == nil)
        #expect(Multiplier.one.decimal == "1")
    }

    @Test(
        "multipliers as text",
        arguments: [
            ("0", 0), ("1", 1_000_000), ("0.000001", 1), ("1000", 1_000_000_000), ("1e3", 1_000_000_000),
            ("0.75", 750_000), ("-0", 0), ("1000.000001", nil), ("-0.000001", nil), ("0.0000001", nil), ("1e4", nil),
            ("1e999", nil), ("", nil), ("x", nil), ("9223372036854.775807", nil), ("9223372036854.775808", nil),
        ] as [(String, Int64?)])
    func multiplierText(text: String, millionths: Int64?) {
        #expect(Multiplier(decimal: text)?.millionths == millionths)
    }

    @Test(
        "rounded up to a micro-credit, and only when something is left",
        arguments: [
            (20_000_000, 1_000_000, 20_000_000), (20_000_000, 500_000, 10_000_000), (1, 1_000_000, 1), (1, 1, 1),
            (1, 999_999, 1), (1, 1_000_001, 2), (3, 333_333, 1), (3, 333_334, 2), (1_000_000, 1, 1),
            (1_000_001, 1, 2), (999_999, 1, 1), (2_000_000, 1, 2), (0, 1_000_000_000, 0),
            (1_000_000_000_000_000, 0, 0), (0, 0, 0),
            (1_000_000_000_000_000, 1_000_000_000, 1_000_000_000_000_000_000),
            (999_999_999_999_999, 999_999_999, 999_999_998_999_999_001),
            (999_999_999_999_999, 1_000_000_000, 999_999_999_999_999_000),
        ] as [(Int64, Int64, Int64)])
    func cost(price: Int64, multiplier: Int64, cost: Int64) throws {
        let price = try #require(Price(Credits(micro: price)))
        #expect(price.cost(try #require(Multiplier(millionths: multiplier))).micro == cost)
    }

    @Test("never less than the exact product, and less than a micro-credit more") func againstWideArithmetic() throws {
        var word: UInt64 = 7
        func next(_ bound: Int64) -> Int64 {
            word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(word >> 1) % (bound + 1)
        }
        for _ in 0..<5000 {
            let price = try #require(Price(Credits(micro: next(Price.range.upperBound))))
            let multiplier = try #require(Multiplier(millionths: next(Multiplier.range.upperBound)))
            let exact = Int128(price.credits.micro) * Int128(multiplier.millionths)
            let cost = Int128(price.cost(multiplier).micro) * 1_000_000
            #expect(cost >= exact && cost < exact + 1_000_000)
        }
    }
}
