import Values

/// What an edit has changed, field by field: whether there is anything to write, and what its entry of the audit record
/// says.
///
/// Values are compared by their bytes. Of a list the entry says what came and what went, and no more than so many bytes
/// of that, so that nobody fills the disk by editing a long one again and again.
package struct Changes: Sendable {
    /// The new values, by field.
    package private(set) var detail: [String: String] = [:]

    package init() {}

    package var isEmpty: Bool { detail.isEmpty }

    /// The longest text about a list, in bytes.
    package static let limit = 512
    /// What stands for a value that was taken away.
    private static let none = "null"

    /// A value that is short.
    package mutating func note(_ field: String, from old: String?, to new: String?) {
        if !Self.isSame(old, new) { detail[field] = new ?? Self.none }
    }

    /// A value that is long, or nobody's to read: only that it changed or went.
    package mutating func noteUnseen(_ field: String, from old: String?, to new: String?) {
        if !Self.isSame(old, new) { note(unseen: field, isSet: new != nil) }
    }

    /// A change that the caller has found already.
    /// - Parameter isSet: whether there is a value now.
    package mutating func note(unseen field: String, isSet: Bool) { detail[field] = isSet ? "changed" : Self.none }

    /// A list of short texts without blanks: `+new -old`.
    package mutating func note(_ field: String, from old: [String]?, to new: [String]?) {
        guard let new else {
            if old != nil { detail[field] = Self.none }
            return
        }
        let (before, after) = (Set((old ?? []).map { Text($0) }), Set(new.map { Text($0) }))
        let words =
            new.filter { !before.contains(Text($0)) }.map { "+" + $0 }
            + (old ?? []).filter { !after.contains(Text($0)) }.map { "-" + $0 }
        if !words.isEmpty {
            detail[field] = Self.bounded(words)
        } else if old == nil || (old ?? []).map({ Text($0) }) != new.map({ Text($0) }) {
            detail[field] = "reordered"
        }
    }

    /// The words with blanks between them, as many as fit, and how many there are more.
    package static func bounded(_ words: [String]) -> String {
        var text = ""
        for (index, word) in words.enumerated() {
            let longer = text.isEmpty ? word : text + " " + word
            let rest = words.count - index
            // Room for the number of those that come, unless this is the last one.
            guard longer.utf8.count + (rest > 1 ? " and \(rest - 1) more".utf8.count : 0) <= limit else {
                return text.isEmpty ? "\(rest) in all" : text + " and \(rest) more"
            }
            text = longer
        }
        return text
    }

    private static func isSame(_ one: String?, _ other: String?) -> Bool {
        one.map { Text($0) } == other.map { Text($0) }
    }
}
