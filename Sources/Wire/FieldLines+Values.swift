package import NIOCore

extension FieldLines {
    /// The values of all lines of this name, in order.
    /// - Parameter name: ASCII in lower case.
    package func values(_ name: StaticString) -> [ByteBufferView] {
        guard count(name) > 0 else { return [] }
        var values: [ByteBufferView] = []
        let lower = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        forEach { name, value in
            if name.count == lower.count, zip(name, lower).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 }) {
                values.append(value)
            }
        }
        return values
    }
}
