import JSON
import Testing

@testable import ManagementAPI

@Suite("Comma-separated values")
struct CSVTests {
    @Test(
        "cells as RFC 4180 has them",
        arguments: [
            ([.string("a"), .string("b")], "a,b\r\n"), ([.null, .string(""), .null], ",,\r\n"),
            ([.string("a,b"), .string("c")], "\"a,b\",c\r\n"), ([.string("say \"hi\"")], "\"say \"\"hi\"\"\"\r\n"),
            ([.string("\"")], "\"\"\"\"\r\n"), ([.string("\"\"")], "\"\"\"\"\"\"\r\n"),
            ([.string("two\nlines")], "\"two\nlines\"\r\n"), ([.string("two\r\nlines")], "\"two\r\nlines\"\r\n"),
            ([.string(" a ")], " a \r\n"), ([.string("猫 é")], "猫 é\r\n"), ([], "\r\n"),
        ] as [([JSON], String)])
    func cells(values: [JSON], line: String) { #expect(CSV.line(values) == line) }

    @Test("numbers are numbers, with their sign, and nothing else is") func numbers() throws {
        let numbers = try #require(try JSON.parse("[20,-5,0.000001,-0.5,9223372036854.775807]".utf8).array)
        #expect(CSV.line(numbers) == "20,-5,0.000001,-0.5,9223372036854.775807\r\n")
        #expect(CSV.line([.bool(true), .bool(false)]) == "true,false\r\n")
    }

    @Test(
        "a text that a spreadsheet would run is a text",
        arguments: [
            ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""), ("=1,2", "\"'=1,2\""), ("=\"x\"", "\"'=\"\"x\"\"\""), ("=\u{301}1", "'=\u{301}1"),
            ("a=1", "a=1"), ("'=1", "'=1"), (" =1", " =1"), ("=", "'="),
        ])
    func formulas(text: String, cell: String) { #expect(CSV.line([.string(text)]) == cell + "\r\n") }

    @Test(
        "a quote is doubled whatever stands behind it, so that no text ends its cell",
        arguments: ["\"\u{301}", "a\"\u{301},=1+1", "x\"\u{200D}y", "\"\u{FE0F},b", "a\r\u{301},b", "a,\u{301}b"])
    func combining(text: String) {
        let line = CSV.line([.string(text)])
        let quoted = text.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) }
        #expect(Array(line.utf8) == Array("\"\(quoted)\"\r\n".utf8))
    }
}
