import Testing
import Values

@testable import Secrets

struct RecoveryCodeTests {
    private static let code = "abcd-efgh-jkmn-pqrs"

    @Test("a code is four groups of four of 32 characters, each as likely as the others, and none comes again")
    func minting() throws {
        let entropy = Entropy.seeded(4)
        var counts: [Character: Int] = [:]
        var codes: Set<String> = []
        for _ in 0..<10_000 {
            let code = RecoveryCode.mint(entropy)
            let text = code.exposed()
            #expect(try #require(RecoveryCode.normalised(text)).isSame(as: code))
            codes.insert(text)
            let groups = text.split(separator: "-", omittingEmptySubsequences: false)
            #expect(groups.map(\.count) == [4, 4, 4, 4])
            for character in groups.joined() { counts[character, default: 0] += 1 }
        }
        #expect(codes.count == 10_000)
        #expect(Set(counts.keys) == Set("0123456789abcdefghjkmnpqrstvwxyz"))
        let chiSquare = counts.values.reduce(0.0) { $0 + (Double($1) - 5000) * (Double($1) - 5000) / 5000 }
        // 31 degrees of freedom: above 85 once in a million seeds.
        #expect(chiSquare < 85)
    }

    @Test(
        "a code may be typed in capitals, with blanks, without dashes or with others",
        arguments: [
            code, "ABCD-EFGH-JKMN-PQRS", "abcdefghjkmnpqrs", "AbCdEfGhJkMnPqRs", " abcd efgh jkmn pqrs\r\n",
            "abcd--efgh - jkmn\tpqrs", "-a-b-c-d-e-f-g-h-j-k-m-n-p-q-r-s-",
        ])
    func typed(text: String) { #expect(RecoveryCode.normalised(text)?.isSame(as: Secret(Self.code)) == true) }

    @Test("letters that look like digits are read as these")
    func lookAlikes() {
        for text in ["o1oI-lLiO-0000-1111", "O1O1 1110 oooo illi"] {
            #expect(RecoveryCode.normalised(text)?.isSame(as: Secret("0101-1110-0000-1111")) == true)
        }
    }

    @Test(
        "anything else is no code",
        arguments: [
            "", "-", "abcd-efgh-jkmn-pqr", "abcd-efgh-jkmn-pqrst", "abcd-efgh-jkmn-pqru", "abcd-efgh-jkmn-pqr_",
            "abcd.efgh.jkmn.pqrs", "abcd–efgh–jkmn–pqrs", "abcd-efgh-jkmn-pqrß", "abcd-efgh-jkmn-pqr\0",
            "\u{FEFF}abcd-efgh-jkmn-pqrs", "abcd-efgh-jkmn-pqrs,", "abcd-efgh-jkmn-pqr\u{17F}",
            "abcd-efgh-\u{212A}kmn-pqrs", "abcd-efgh-jkmn-\u{10}qrs", "abcd-efgh-jkmn-@qrs", "abcd-efgh-jkmn-\u{90}qrs",
        ])
    func malformed(text: String) { #expect(RecoveryCode.normalised(text) == nil) }

    @Test("a long text is given up early")
    func long() {
        #expect(RecoveryCode.normalised(String(repeating: "a", count: 10_000_000)) == nil)
        #expect(RecoveryCode.normalised(String(repeating: "abcd-", count: 100_000)) == nil)
    }
}
