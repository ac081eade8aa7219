package import Values

/// A test has given a text that breaks its own rule.
package struct BadText: Error {
    let text: String

    package init(text: String) { self.text = text }
}

/// A text that the test knows to be well-formed.
package func good<T: FieldText>(_ text: String) throws -> T {
    guard let value = T(text) else { throw BadText(text: text) }
    return value
}
