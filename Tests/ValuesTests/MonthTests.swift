import Foundation
import Testing

@testable import Values

@Suite("Months and days")
struct MonthTests {
    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    @Test(
        "which month a moment is in, to the microsecond at both ends",
        arguments: [
            ("2026-11-30T23:59:59.999999Z", "2026-11"), ("2026-12-01T00:00:00.000000Z", "2026-12"),
            ("2026-12-31T23:59:59.999999Z", "2026-12"), ("2027-01-01T00:00:00.000000Z", "2027-01"),
            ("2028-02-28T23:59:59.999999Z", "2028-02"), ("2028-02-29T00:00:00.000000Z", "2028-02"),
            ("2028-02-29T23:59:59.999999Z", "2028-02"), ("2028-03-01T00:00:00.000000Z", "2028-03"),
            ("2027-02-28T23:59:59.999999Z", "2027-02"), ("2027-03-01T00:00:00.000000Z", "2027-03"),
            ("2000-02-29T12:00:00.000000Z", "2000-02"), ("2100-02-28T23:59:59.999999Z", "2100-02"),
            ("2100-03-01T00:00:00.000000Z", "2100-03"), ("1970-01-01T00:00:00.000000Z", "1970-01"),
            ("1969-12-31T23:59:59.999999Z", "1969-12"), ("1969-01-01T00:00:00.000000Z", "1969-01"),
            ("1968-12-31T23:59:59.999999Z", "1968-12"), ("1968-02-29T00:00:00.000000Z", "1968-02"),
            ("1600-03-01T00:00:00.000000Z", "1600-03"), ("0001-01-01T00:00:00.000000Z", "0001-01"),
            ("9999-12-31T23:59:59.999999Z", "9999-12"),
            // The month is that of UTC, wherever the clock that was read stands.
            ("2026-12-01T00:30:00+01:00", "2026-11"), ("2026-11-30T23:30:00-01:00", "2026-12"),
        ])
    func month(moment: String, month: String) throws {
        #expect(Month(of: try time(moment)).text == month)
        #expect(Day(of: try time(moment)).month.text == month)
    }

    @Test("months are counted from January 1970, without a gap, on both sides of it") func numbers() throws {
        #expect(Month(of: try time("1970-01-31T00:00:00Z")).number == 0)
        #expect(Month(of: try time("1969-12-01T00:00:00Z")).number == -1)
        #expect(Month(of: try time("2026-11-21T00:00:00Z")).number == 682)
        #expect(Month(number: 682).text == "2026-11")
        for number in Int64(-30)...30 {
            #expect(Month(number: number) < Month(number: number + 1))
            let text = Month(number: number).text
            #expect(Month(of: try time(text + "-01T00:00:00Z")).number == number)
            #expect(
                Month(of: Timestamp(microseconds: try time(text + "-01T00:00:00Z").microseconds - 1)).number
                    == number - 1)
        }
    }

    @Test("a month is read as it is written, and nothing else is") func reading() {
        for text in ["2026-11", "1970-01", "1969-12", "0001-01", "9999-12"] { #expect(Month(text)?.text == text) }
        for text in ["", "2026", "2026-1", "2026-13", "2026-00", "2026-11-", "2026-11-01", "20261-1", "2026-é"] {
            #expect(Month(text) == nil, "\(text)")
        }
    }

    @Test("as the calendar of the platform says, at many moments") func againstCalendar() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var word: UInt64 = 3
        for _ in 0..<3000 {
            word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // 1601 to 9999; before, the platform's calendar is the Julian one.
            let seconds = Int64(word >> 8) % 265_046_342_400 - 11_644_473_600
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(seconds)))
            let time = Timestamp(microseconds: seconds * 1_000_000)
            let number = Int64((parts.year ?? 0) - 1970) * 12 + Int64(parts.month ?? 0) - 1
            #expect(Month(of: time).number == number)
            #expect(Day(of: time).firstOfMonth.number == time.day - Int64(parts.day ?? 0) + 1)
        }
    }

    @Test("the ends of time have a month as well") func extremes() {
        #expect(Month(of: Timestamp(microseconds: .min)) < Month(of: Timestamp(microseconds: 0)))
        #expect(Month(of: Timestamp(microseconds: .max)) > Month(of: Timestamp(microseconds: 0)))
    }

    @Test(
        "days read and written the one way",
        arguments: ["2026-11-21", "2028-02-29", "1970-01-01", "1969-12-31", "0001-01-01", "9999-12-31"])
    func days(text: String) throws {
        let day = try #require(Day(text))
        #expect(day.text == text)
        #expect(day == Day(of: try time(text + "T00:00:00.000000Z")))
        #expect(day == Day(of: try time(text + "T23:59:59.999999Z")))
    }

    @Test(
        "what is no day",
        arguments: [
            "", "2026-11-2", "2026-11-021", "2026-2-29", "2027-02-29", "2100-02-29", "2026-00-01", "2026-13-01",
            "2026-01-00", "2026-01-32", "2026-04-31", "2026/11/21", "20261121", "2026-11-21Z", " 2026-11-21",
            "2026-11-21T", "today", "２０２６-11-21", "-026-11-21", "+026-11-21", "2026-W47-6", "2026-11-21T00:00:00Z",
        ])
    func noDay(text: String) { #expect(Day(text) == nil) }

    @Test(
        "the first of a day's month",
        arguments: [
            ("2026-11-21", "2026-11-01"), ("2026-11-01", "2026-11-01"), ("2028-02-29", "2028-02-01"),
            ("2028-03-01", "2028-03-01"), ("1970-01-01", "1970-01-01"), ("1969-12-31", "1969-12-01"),
            ("1968-02-29", "1968-02-01"),
        ])
    func firstOfMonth(day: String, first: String) throws {
        #expect(try #require(Day(day)).firstOfMonth.text == first)
    }
}
