import TestSupport
import Testing

@testable import Values

@Suite("Times")
struct TimestampTests {
    @Test(
        "known moments, both ways",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (1_722_506_400_000_000, "2024-08-01T10:00:00.000000Z"),
            (951_827_696_123_456, "2000-02-29T12:34:56.123456Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func known(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text) == Timestamp(microseconds: microseconds))
    }

    @Test(
        "other spellings of one moment",
        arguments: [
            "2024-08-01T12:00:00+02:00", "2024-08-01t05:00:00-05:00", "2024-08-01T10:00:00.0000009Z",
            "2024-08-01T10:00:00z",
        ])
    func spellings(text: String) {
        #expect(Timestamp(rfc3339: text)?.rfc3339 == "2024-08-01T10:00:00.000000Z")
    }

    @Test(
        "what is no time",
        arguments: [
            "", "2024-08-01", "2024-08-01T10:00:00", "2024-13-01T10:00:00Z", "2023-02-29T10:00:00Z",
            "2100-02-29T10:00:00Z",
            "2024-08-01T24:00:00Z", "2024-08-01T10:60:00Z", "2024-08-01T10:00:61Z", "2024-08-01T10:00:00.Z",
            "2024-08-01T10:00:00.1234567890Z", "2024-08-01T10:00:00+2:00", "2024-08-01T10:00:00Z ",
            "2024-08-01 10:00:00Z",
            "٢٠٢٤-08-01T10:00:00Z", "2024-08-00T10:00:00Z", "2024-8-01T10:00:00Z",
        ])
    func malformed(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test(
        "what is outside the years 0000 to 9999 in UTC could not be shown again, so it is not read",
        arguments: [
            ("9999-12-31T23:59:59.999999-00:00", true), ("9999-12-31T23:59:60Z", false),
            ("9999-12-31T23:59:59-00:01", false), ("9999-12-31T23:59:59-23:59", false),
            ("9999-12-31T23:58:59-00:01", true), ("0000-01-01T00:00:00+00:00", true),
            ("0000-01-01T00:00:00+00:01", false), ("0000-01-01T00:01:00+00:01", true),
            ("0000-01-01T23:59:59+23:59", true), ("0000-01-01T23:58:59.999999+23:59", false),
        ])
    func shown(text: String, isRead: Bool) {
        let time = Timestamp(rfc3339: text)
        #expect((time != nil) == isRead)
        if let time { #expect(time.rfc3339.utf8.count == 27) }
    }

    @Test("a round trip at seeded random moments") func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            let time = Timestamp(
                microseconds: .random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator))
            #expect(Timestamp(rfc3339: time.rfc3339) == time)
        }
    }

    @Test("days turn at midnight UTC, before 1970 too") func days() {
        let day: Int64 = 86_400_000_000
        #expect(Timestamp(microseconds: day - 1).day == 0)
        #expect(Timestamp(microseconds: day).day == 1)
        #expect(Timestamp(microseconds: -1).day == -1)
        #expect(Timestamp(microseconds: -day).day == -1)
        #expect(Timestamp(microseconds: -day - 1).day == -2)
        #expect(Timestamp(microseconds: day - 1).seconds(toEndOf: 0) == 1)
        #expect(Timestamp(microseconds: 0).seconds(toEndOf: 0) == 86_400)
    }

    @Test("seconds and milliseconds are rounded down, before 1970 too") func units() {
        for (time, seconds, milliseconds) in [
            (0, 0, 0), (999, 0, 0), (1000, 0, 1), (1_000_000, 1, 1000), (-1, -1, -1), (-1000, -1, -1), (-1001, -1, -2),
            (-1_000_000, -1, -1000), (-1_000_001, -2, -1001), (.min, -9_223_372_036_855, -9_223_372_036_854_776),
        ] as [(Int64, Int64, Int64)] {
            #expect(Timestamp(microseconds: time).seconds == seconds)
            #expect(Timestamp(microseconds: time).milliseconds == milliseconds)
        }
    }

    @Test("a clock may be set back by a minute; what is later than that has not been") func slack() {
        let now = Timestamp(microseconds: 1_780_315_200_000_000)
        for (offset, hasBeen) in [(.seconds(-9_999), true), (.zero, true), (.seconds(60), true)] as [(Duration, Bool)] {
            #expect(now.adding(offset).hasBeen(at: now) == hasBeen)
        }
        #expect(!now.adding(.seconds(60) + .microseconds(1)).hasBeen(at: now))
        #expect(Timestamp(microseconds: .min).hasBeen(at: now))
        #expect(!Timestamp(microseconds: .max).hasBeen(at: now))
    }

    @Test("sums stop at the ends of time instead of wrapping") func sums() {
        #expect(Timestamp(microseconds: .max).adding(.seconds(1)).microseconds == .max)
        #expect(Timestamp(microseconds: .min).adding(.seconds(-1)).microseconds == .min)
        #expect(Timestamp(microseconds: 5).adding(.seconds(Int64.max)).microseconds == .max)
        #expect(Timestamp(microseconds: 5).adding(.milliseconds(-1)).microseconds == -995)
    }
}

@Suite("Identifiers")
struct IdentifierTests {
    @Test("version and variant of RFC 9562, newest last") func shape() {
        let early = Identifier(at: Timestamp(microseconds: 1_000_000), random: (.max, .max))
        let late = Identifier(at: Timestamp(microseconds: 1_001_000), random: (0, 0))
        #expect(early.description == "00000000-03e8-7fff-bfff-ffffffffffff")
        #expect(late.description == "00000000-03e9-7000-8000-000000000000")
        #expect(early < late)
        #expect(Identifier(early.description) == early)
    }

    @Test(
        "one spelling only",
        arguments: [
            "", "107F8D0F-e465-4a7e-a49e-d633d26f7aa2", "107f8d0fe4654a7ea49ed633d26f7aa2",
            "107f8d0f-e465-4a7e-a49e-d633d26f7aa", "107f8d0f-e465-4a7e-a49e-d633d26f7aa22",
            "107f8d0f-e465-4a7e-a49e_d633d26f7aa2", "107f8d0g-e465-4a7e-a49e-d633d26f7aa2",
            "{107f8d0f-e465-4a7e-a49e-d633d26f7aa2}", "１07f8d0f-e465-4a7e-a49e-d633d26f7aa2",
        ])
    func malformed(text: String) { #expect(Identifier(text) == nil) }

    @Test("any version is read back as it was") func roundTrip() {
        #expect(
            Identifier("107f8d0f-e465-4a7e-a49e-d633d26f7aa2")?.description == "107f8d0f-e465-4a7e-a49e-d633d26f7aa2")
    }
}

@Suite("Names")
struct DisplayNameTests {
    @Test("ordinary names", arguments: ["a", "Production", "Ümläut 猫", "a b", String(repeating: "x", count: 100)])
    func good(text: String) { #expect(DisplayName(text)?.text == text) }

    @Test(
        "refused names",
        arguments: [
            "", " a", "a ", "a\nb", "a\u{0}", "a\u{7F}", "a\u{202E}b", "\u{FEFF}a", "a\u{2028}b", "a\u{85}",
            String(repeating: "x", count: 101),
        ])
    func bad(text: String) { #expect(DisplayName(text) == nil) }
}
