import Secrets
import TestSupport
import Testing

@testable import Accounts

@Suite("Passwords")
struct PasswordTests {
    /// What is wrong with a new password; `nil` when nothing is.
    private func complaint(_ text: String, email: String = "ada.lovelace@example.com") throws -> String? {
        let password: Password = try good(text)
        let address: EmailAddress = try good(email)
        do {
            try password.check(email: address)
            return nil
        } catch AccountsError.weakPassword(let rule) {
            return rule
        }
    }

    @Test("fifteen code points are enough, fourteen are not", arguments: ["v", "é", "猫", "🔑", " "])
    func length(of unit: String) throws {
        // Nothing of these repeats or counts: the last part is the same for all lengths.
        let tail = "xq7!mzk2rwp9f"
        #expect(tail.unicodeScalars.count == 13)
        #expect(try complaint(unit + tail)?.contains("at least 15") == true)
        #expect(try complaint(unit + unit + tail) == nil)
    }

    @Test("an emoji made of seven code points counts as seven, not as one") func codePoints() throws {
        #expect(try complaint("👨‍👩‍👧‍👦xq7!mzk2") == nil)
        #expect(try complaint("👨‍👩‍👧‍👦xq7!mzk")?.contains("at least 15") == true)
    }

    @Test("length is counted after normalisation") func normalLength() throws {
        // e and a combining acute become one code point.
        #expect(try complaint("e\u{301}xq7!mzk2rwp9f")?.contains("at least 15") == true)
        // One ligature becomes three letters.
        #expect(try complaint("\u{FB03}q7!mzk2rwp9f") == nil)
    }

    @Test(
        "spellings that people can't tell apart are one password",
        arguments: [
            ("caf\u{E9} at the far corner", "cafe\u{301} at the far corner"),
            ("the of\u{FB01}ce by the sea", "the office by the sea"),
            ("ｓｅｖｅｎ green boats", "seven green boats"), ("meter \u{212B}ngström line", "meter \u{C5}ngström line"),
            ("seven\u{A0}green boats", "seven green boats"), ("가로등 밑의 고양이 한 마리", "가로등 밑의 고양이 한 마리".decomposed),
        ])
    func normalised(one: String, other: String) throws {
        let left: Password = try good(one)
        let right: Password = try good(other)
        #expect(left.secret.isSame(as: right.secret))
    }

    @Test(
        "case and blanks are part of the password",
        arguments: ["Seven green boats", "seven green boats ", "sevengreen boats"])
    func different(other: String) throws {
        let left: Password = try good("seven green boats")
        let right: Password = try good(other)
        #expect(!left.secret.isSame(as: right.secret))
    }

    @Test("up to 4096 code points, all of which count") func longest() throws {
        let long = (0..<1024).map { String(UnicodeScalar(0x4E00 + UInt32($0 * 7))!) + "a9z" }.joined()
        #expect(try complaint(long) == nil)
        let left: Password = try good(long)
        let right: Password = try good(long.dropLast() + "y")
        #expect(!left.secret.isSame(as: right.secret))
        #expect(Password(long + "x") == nil)
        #expect(Password("") == nil)
        // Grows to eighteen times its length when normalised.
        #expect(Password(String(repeating: "\u{FDFA}", count: 228)) == nil)
    }

    @Test("marks in a row are bounded before anything is normalised, which takes the square of their number")
    func marks() {
        let marks = String(repeating: "\u{301}", count: 15) + String(repeating: "\u{323}", count: 15)
        #expect(Password("a" + marks + "b" + marks) != nil)
        #expect(Password("a" + marks + "\u{301}") == nil)
        let began = ContinuousClock.now
        #expect(Password("a" + String(repeating: marks, count: 100_000)) == nil)
        // By its square, it would take an hour.
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test(
        "what everybody tries is refused, however it is dressed up",
        arguments: [
            "correct horse battery staple", "CorrectHorseBatteryStaple", "correct-horse-battery-staple",
            "passwordpassword",
            "Password12345678", "1234567password!", "qwertyuiopasdfgh", "LetMeInLetMeIn!", "thequickbrownfox",
            "To be or not to be", "1qaz2wsx3edc4rfv", "adminadmin2026!!", "Summer2026!!!!!!", "administrator2026",
            "This is my password", "latchkeylatchkey",
        ])
    func blocklist(text: String) throws { #expect(try complaint(text)?.contains("common") == true) }

    @Test(
        "repeating or counting is refused",
        arguments: [
            "aaaaaaaaaaaaaaa", "abababababababab", "abcabcabcabcabc", "abcdeabcdeabcde", "1234567890123456",
            "abcdefghijklmno",
            "987654321098765", "zyxwvutsrqponml", "猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫", "111111222222333333", "               ",
        ])
    func repetitive(text: String) throws { #expect(try complaint(text) != nil) }

    @Test(
        "the own address is refused, whole, doubled or in capitals",
        arguments: [
            "ada.lovelace@example.com", "ada.lovelaceada.lovelace", "Ada.Lovelace@Example.com",
            "Ada.LovelaceAda.Lovelace",
        ])
    func address(text: String) throws { #expect(try complaint(text)?.contains("e-mail") == true) }

    @Test(
        "ordinary passphrases are taken, without any composition",
        arguments: [
            "seven green boats at dawn", "my cat sleeps on the stairs", "hello friends and family", "tomatoesandbasil",
            "der Regen fällt auf das Dach", "снег идёт третий день", "猫は屋根の上で昼寝をしていました", "three-two-onions-launch",
            "password rules are a bore", "summer rain on the lake", "9f8s7d6f98s7df6x", "kqzvxjwpfbmgycu",
            "the admin ate my sandwich",
            "my e-mail is ada.lovelace@example.com",
        ])
    func ordinary(text: String) throws { #expect(try complaint(text) == nil) }
}

extension String {
    /// Korean syllables as the letters they are made of, as some keyboards send them.
    fileprivate var decomposed: String {
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard (0xAC00...0xD7A3).contains(scalar.value) else {
                scalars.append(scalar)
                continue
            }
            let index = scalar.value - 0xAC00
            let letters =
                [0x1100 + index / 588, 0x1161 + index % 588 / 28] + (index % 28 == 0 ? [] : [0x11A7 + index % 28])
            for letter in letters { if let scalar = Unicode.Scalar(letter) { scalars.append(scalar) } }
        }
        return String(scalars)
    }
}
