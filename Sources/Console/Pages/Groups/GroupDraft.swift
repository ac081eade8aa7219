import Catalog
import Management
import Values

/// A multiplier that nobody has saved yet, as a form says it.
struct GroupDraft {
    let multiplier: Multiplier?
    /// When it is to begin; `nil` inside for now, `nil` outside for what can't be read.
    let effectiveAt: Timestamp??
    /// The month that the preview is of: the last one, unless it is said.
    let isOfThisMonth: Bool

    /// The fields of the form, as a preview carries them on.
    static let names = ["multiplier", "begin", "effective_at", "month"]

    init(_ form: inout Form, _ strings: Strings) {
        multiplier = Self.multiplier(&form, strings)
        isOfThisMonth = form.text("month") == "this"
        switch form.text("begin") {
        case "now": effectiveAt = .some(nil)
        case "date":
            let text = form.text("effective_at")
            let time = KeyExpiry.time(text)
            if time == nil { form.note("effective_at", strings(text.isEmpty ? "invalid.required" : "invalid.date")) }
            effectiveAt = time.map { .some($0) }
        case let other:
            let time = KeyExpiry.time(other)
            if time == nil { form.note("effective_at", strings("invalid.date")) }
            effectiveAt = time.map { .some($0) }
        }
    }

    /// - Parameter now: in the month that is meant, or the one after it.
    func month(at now: Timestamp) -> Month {
        Month(number: Month(of: now).number - (isOfThisMonth ? 0 : 1))
    }

    /// The field of that name; what can't be read is noted.
    static func multiplier(_ form: inout Form, _ strings: Strings) -> Multiplier? {
        let text = form.text("multiplier")
        if text.utf8.count <= 64, let multiplier = Multiplier(decimal: text.trimmed.string) { return multiplier }
        form.note("multiplier", strings(text.trimmed.isEmpty ? "invalid.required" : "invalid.multiplier"))
        return nil
    }
}
