import Foundation
package import Secrets
import Values

/// A password as it was typed, normalised (NFKC), in full: nothing is cut off and no composition is asked for
/// (NIST SP 800-63B-4 §3.1.1.2).
package struct Password: FieldText {
    /// In Unicode code points.
    package static let minimumLength = 15
    package static let maximumLength = 4096
    package static let rule =
        "must be a string of 1 to \(maximumLength) characters, with at most \(longestRun) combining marks in a row"
    package static let longest = 4 * maximumLength
    /// To normalise is to sort the marks on each letter, in a time that grows with the square of their number. This is
    /// where the Stream-Safe Text Format ends a row of them (Unicode UAX #15 §13); no language has half as many.
    private static let longestRun = 30

    package let secret: Secret
    /// In Unicode code points, each of which counts as one character.
    private let length: Int
    private let weakness: Weakness?
    /// For comparing with names that are written without case.
    private let withoutCase: Secret

    private enum Weakness {
        case common
        case repetitive
    }

    package init?(_ text: String) {
        guard Self.marksInARow(text) <= Self.longestRun else { return nil }
        // The same password typed on two keyboards may come as different code points.
        let normal = text.precomposedStringWithCompatibilityMapping
        length = normal.unicodeScalars.count
        guard (1...Self.maximumLength).contains(length) else { return nil }
        secret = Secret(normal)
        let plain = normal.lowercased()
        withoutCase = Secret(plain)
        weakness = CommonPasswords.contains(plain) ? .common : CommonPasswords.isRepetitive(plain) ? .repetitive : nil
    }

    /// How many combining marks follow each other at most.
    private static func marksInARow(_ text: String) -> Int {
        var (longest, run) = (0, 0)
        for scalar in text.unicodeScalars {
            run = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : run + 1
            longest = max(longest, run)
        }
        return longest
    }

    /// Refuses a new password that is too short or the first thing an attacker tries. The reason is told, as NIST asks.
    func check(email: EmailAddress) throws(AccountsError) {
        if length < Self.minimumLength {
            throw .weakPassword("must have at least \(Self.minimumLength) characters; a few words in a row do well")
        }
        switch weakness {
        case .common: throw .weakPassword("is among the most common passwords; choose another one")
        case .repetitive: throw .weakPassword("repeats or counts up a few characters; choose another one")
        case nil: break
        }
        let local = email.text.prefix { $0 != "@" }
        for known in [email.text, String(local), String(repeating: String(local), count: 2)]
        where withoutCase.isSame(as: Secret(known)) {
            throw .weakPassword("is made of your e-mail address; choose another one")
        }
    }
}

/// The blocklist: passwords of fifteen or more characters that everybody tries, and patterns that make more of them.
///
/// Lists of leaked passwords are mostly shorter than the minimum here, so what is left are words doubled, rows of the
/// keyboard and famous phrases; those are named, and the counting and repeating ones are recognised.
enum CommonPasswords {
    static func contains(_ password: String) -> Bool {
        let letters = password.filter { $0.isLetter || $0.isNumber }
        if phrases.contains(password) || phrases.contains(letters) { return true }
        // One common word, with digits or marks around it or another common word behind it.
        var core = letters.drop { $0.isNumber }
        while core.last?.isNumber == true { core.removeLast() }
        return words.contains { word in
            core == word || (core.hasPrefix(word) && words.contains(String(core.dropFirst(word.count))))
        }
    }

    /// A short piece again and again ("abcabcabc…"), or a run ("abcdefg…", "987654…"), also when runs are put in a row.
    static func isRepetitive(_ password: String) -> Bool {
        let scalars = password.unicodeScalars.map { Int($0.value) }
        guard scalars.count > 4 else { return false }
        for period in 1...min(5, scalars.count / 2) where zip(scalars, scalars.dropFirst(period)).allSatisfy(==) {
            return true
        }
        let steps = zip(scalars, scalars.dropFirst()).filter { abs($0 - $1) <= 1 }.count
        // "1234567890…" goes from 9 to 0 once in ten; nine steps in ten are still counting.
        return steps * 10 >= (scalars.count - 1) * 8
    }

    private static let words: Set<String> = [
        "password", "passwort", "passw0rd", "p4ssword", "motdepasse", "contrasena", "qwerty", "qwertyuiop", "qwertz",
        "azerty", "asdfghjkl", "zxcvbnm", "letmein", "welcome", "iloveyou", "administrator", "admin", "superuser",
        "root",
        "login", "secret", "topsecret", "changeme", "default", "football", "baseball", "basketball", "princess",
        "sunshine",
        "dragon", "monkey", "master", "shadow", "superman", "batman", "computer", "internet", "liverpool", "chelsea",
        "michael", "jennifer", "jordan", "trustno", "whatever", "starwars", "pokemon", "hello", "freedom", "latchkey",
        "apikey", "credential", "company", "summer", "winter", "spring", "autumn", "january", "february", "september",
        "october", "november", "december", "london", "samsung", "google", "facebook", "microsoft", "charlie", "ashley",
        "mustang", "access", "flower", "cheese", "lovely", "loveme", "forever", "friends", "family", "test", "testing",
        "guest", "user", "temporary", "example",
    ]

    private static let phrases: Set<String> = [
        "correcthorsebatterystaple", "correcthorsebattery", "thequickbrownfox", "thequickbrownfoxjumpsoverthelazydog",
        "maytheforcebewithyou", "tobeornottobe", "tobeornottobethatisthequestion", "qwertyuiopasdfgh",
        "qwertyuiopasdfghjkl", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfgh", "azertyuiopqsdfgh", "1qaz2wsx3edc4rfv",
        "1qaz2wsx3edc4rfv5tgb", "qazwsxedcrfvtgb", "qazwsxedcrfvtgbyhnujm", "zaq12wsxcde34rfv", "1q2w3e4r5t6y7u8i",
        "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8", "asdfghjklqwertyuiop", "zxcvbnmasdfghjkl", "qweasdzxcqweasdzxc",
        "iloveyouforever", "iloveyousomuch", "iloveyouverymuch", "jesuschristislord", "jesusismysavior",
        "letmeinletmein", "letmeinplease", "opensesameopensesame", "passwordistaco", "mypasswordispassword",
        "thisismypassword", "thisisapassword", "thisisnotapassword", "thisismysecret", "ihatepasswords",
        "idontknowmypassword", "iforgotmypassword", "nopasswordneeded", "pleaseletmein", "changemechangeme",
        "changethispassword", "mysupersecretpassword", "supersecretpassword", "averylongpassword",
        "averysecurepassword",
        "averystrongpassword", "averysecretpassword", "strongpassword123", "securepassword123", "longpassword12345",
        "fifteencharacters", "fifteencharacter", "chancellordementia", "antidisestablishmentarianism",
        "supercalifragilisticexpialidocious", "onceuponatime123", "manchesterunited", "liverpoolfootballclub",
        "realmadridbarcelona", "unitedstatesofamerica", "newyorknewyork", "happybirthdaytoyou", "merrychristmas",
        "winteriscoming", "winteriscoming123", "harrypotterharrypotter", "gryffindorslytherin", "abcdefghijklmnop",
        "abcdefghijklmnopqrstuvwxyz", "alongtimeagoinagalaxyfarfaraway",
    ]
}
