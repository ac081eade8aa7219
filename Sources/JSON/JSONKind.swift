/// The six kinds of JSON values (RFC 8259 §3).
package enum JSONKind: Sendable, Equatable, CustomStringConvertible {
    case null, bool, number, string, array, object

    /// The kind of the value that begins with `byte`, which must be the first byte of a valid one.
    init(first byte: UInt8) {
        self =
            switch byte {
            case UInt8(ascii: "{"): .object
            case UInt8(ascii: "["): .array
            case UInt8(ascii: "\""): .string
            case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
            case UInt8(ascii: "n"): .null
            default: .number
            }
    }

    /// Its name for error sentences.
    package var description: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
