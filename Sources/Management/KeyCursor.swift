import Credentials
import Values

/// Where a list of keys goes on, as the caller has to give it back: with the question that it belongs to.
///
/// Three parts with dots between: the mark of the question, the key behind which to go on, and what that key was ordered
/// by, a number or a name in hexadecimal digits. It opens nothing: who makes one up sees keys of their own account.
package struct KeyCursor: Sendable {
    /// ASCII that needs no escaping in an address.
    package let text: String

    init(_ position: KeyPosition, of question: KeyListQuestion) {
        let value =
            switch position.value {
            case .number(let number): String(number)
            case .text(let text):
                text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            }
        text = "\(question.mark.text).\(position.id).\(value)"
    }

    /// Reads one, which must be of the same question.
    static func position(_ text: Text, of question: KeyListQuestion) throws(Refusal) -> KeyPosition {
        let refusal = Refusal.invalid(
            "cursor", "must be the next_cursor of a page before, with the same filters and the same sort")
        guard text.utf8.count <= longest else { throw refusal }
        let parts = text.split(on: ".")
        guard parts.count == 3, parts[0] == Text(question.mark.text),
            let id = Identifier(parts[1]), let value = value(parts[2], question.sort)
        else { throw refusal }
        return KeyPosition(value, id)
    }

    /// In bytes. A name has 400 at most.
    private static let longest = 1024

    private static func value(_ part: Text, _ sort: KeySort) -> KeyPosition.Value? {
        switch sort.field {
        case .creation, .lastUse, .expiry:
            guard let number = Int64(part.string), Text(String(number)) == part else { return nil }
            return .number(number)
        case .name:
            let digits = Array(part.utf8)
            guard digits.count.isMultiple(of: 2), digits.allSatisfy("0123456789abcdef".utf8.contains) else {
                return nil
            }
            var bytes: [UInt8] = []
            for place in stride(from: 0, to: digits.count, by: 2) {
                guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else {
                    return nil
                }
                bytes.append(byte)
            }
            return String(validating: bytes, as: UTF8.self).map { .text(Text($0)) }
        }
    }
}
