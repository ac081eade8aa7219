import Values

extension JSON {
    /// How deeply arrays and objects may lie in each other; the stack of a reader is as deep as its input.
    package static let maximumDepth = 64

    /// Reads one JSON text into a tree, by the rules of ``JSONOutline``.
    package static func parse(_ bytes: some Collection<UInt8>) throws(JSONError) -> JSON {
        // A contiguous copy once is cheaper than a bounds-checked walk through somebody's buffer view.
        try Array(bytes).withUnsafeBufferPointer { bytes throws(JSONError) in
            try JSONOutline(UnsafeRawBufferPointer(bytes)).tree()
        }
    }
}

extension JSONOutline {
    /// The whole text as a value.
    fileprivate func tree() -> JSON {
        var cursor = cursor()
        return tree(&cursor)
    }

    /// The value at which the cursor stands; it is then behind it.
    private func tree(_ cursor: inout JSONCursor) -> JSON {
        switch cursor.kind {
        case .null:
            cursor.skip()
            return .null
        case .bool:
            defer { cursor.skip() }
            return .bool(cursor.isTrue)
        case .number: return .number(JSONNumber(checked: String(decoding: bytes[cursor.skip()], as: UTF8.self)))
        case .string: return .string(text(cursor.skip()))
        case .array:
            var elements: [JSON] = []
            if cursor.enter() {
                repeat { elements.append(tree(&cursor)) } while cursor.next()
            }
            return .array(elements)
        case .object:
            var members: [JSONObject.Member] = []
            if cursor.enter() {
                repeat {
                    let name = text(cursor.name())
                    members.append(.init(name: name, value: tree(&cursor)))
                } while cursor.next()
            }
            return .object(JSONObject(members: members))
        }
    }
}
