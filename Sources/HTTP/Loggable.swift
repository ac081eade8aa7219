/// A failure of our own as far as it may be logged: a case and its codes, in printable ASCII, 200 characters at most.
package struct Loggable: CustomStringConvertible {
    package let description: String

    package init(_ error: any Error) {
        description = String(
            "\(error)".unicodeScalars.prefix(200).filter { (0x20...0x7E).contains($0.value) }.map(Character.init))
    }
}
