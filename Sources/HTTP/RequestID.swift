/// The name of one request, in its answer (`X-Request-Id`) and in the log: 128 random bits as 32 hexadecimal digits.
///
/// Random, since a count would tell each caller how many requests others make, and whose came next. It opens nothing.
package enum RequestID {
    package static func random() -> String {
        let (high, low) = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        return digits(high) + digits(low)
    }

    private static func digits(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
