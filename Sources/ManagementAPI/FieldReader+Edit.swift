import JSON

extension FieldReader.Edit {
    /// Absent, taken away or set, as the edits of the domain say it.
    var optional: Value?? {
        switch self {
        case .absent: nil
        case .clear: .some(nil)
        case .set(let value): value
        }
    }

    /// For what is new: absent and null are the same.
    var value: Value? {
        guard case .set(let value) = self else { return nil }
        return value
    }
}
