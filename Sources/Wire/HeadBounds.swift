/// How long a head may be. What is longer is refused before it is kept.
package struct HeadBounds: Sendable, Equatable {
    /// The start line and all fields with their line ends, in bytes. Trailer fields are counted anew.
    package var headBytes: Int
    /// The target of a request, in bytes.
    package var targetBytes: Int
    /// The number of field lines of a head, and of those of a trailer section.
    package var fields: Int

    package init(headBytes: Int = 80 * 1024, targetBytes: Int = 16 * 1024, fields: Int = 1000) {
        self.headBytes = headBytes
        self.targetBytes = targetBytes
        self.fields = fields
    }
}
