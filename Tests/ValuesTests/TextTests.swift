import Glibc
import Testing
import Values

@Suite("Text")
struct TextTests {
    @Test(
        "what is equivalent is not equal, in a set neither; only the same bytes are",
        arguments: [
            ("caf\u{e9}", "cafe\u{301}"), ("\u{212a}2", "K2"), ("\u{37e}", ";"), ("a\u{323}\u{301}", "a\u{301}\u{323}"),
        ])
    func equality(one: String, other: String) {
        #expect(one == other, "these are one text to Swift")
        #expect(Text(one) != Text(other))
        #expect(Text(one) == Text(String(decoding: Array(one.utf8), as: UTF8.self)))
        #expect(Set([Text(one), Text(other), Text(one)]).count == 2)
        #expect(Text(one).hashValue != Text(other).hashValue)
    }

    @Test("the order is that of the bytes") func order() {
        let texts: [Text] = ["", "A", "a", "a\u{301}", "\u{e1}", "\u{ff5a}", "\u{1f600}"]
        #expect(texts.shuffled().sorted() == texts)
    }

    @Test("parts, beginnings and blanks are told by bytes, whatever mark follows a sign") func parts() {
        #expect(Text("a,\u{301}b,,c").split(on: ",") == ["a", "\u{301}b", "", "c"])
        #expect(Text("a&b;c").split(on: "&", ";") == ["a", "b", "c"])
        #expect(Text("").split(on: ",") == [""])
        #expect(Text("k=\u{301}v=w").split(atFirst: "=").map { [$0.before, $0.after] } == ["k", "\u{301}v=w"])
        #expect(Text("k").split(atFirst: "=") == nil)
        #expect(Text(" \t a b\t").trimmed == "a b" && Text(" \t").trimmed == "" && Text("ab").trimmed == "ab")
        #expect(Text("Ke\u{301}Y").hasPrefix("Ke") && !Text("K").hasPrefix("\u{212a}"))
        #expect(Text("\u{212a}ELVIN \u{c9}").lowercased == "\u{212a}elvin \u{c9}")
        #expect(Text("xsk-1\u{301}").contains("sk-1") && !Text("xsk-").contains("sk-1") && Text("x").contains(""))
    }

    @Test("comparing and hashing take a time that grows with the bytes") func linear() {
        func seconds(_ count: Int) -> Double {
            let marks = String(repeating: "\u{301}", count: count / 2) + String(repeating: "\u{323}", count: count / 2)
            let (one, other) = (Text("a" + marks), Text("a" + marks + "\u{301}"))
            return cpuSeconds {
                #expect(one != other)
                #expect(Set([one, other, one]).count == 2)
            }
        }
        // By canonical equivalence, each of these took 15 seconds.
        #expect(seconds(150_000) < 0.5)
    }
}

/// The processor time of this thread.
func cpuSeconds(_ work: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let began = now()
    work()
    return now() - began
}
