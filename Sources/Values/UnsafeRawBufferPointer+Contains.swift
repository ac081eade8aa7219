import Glibc

extension UnsafeRawBufferPointer {
    /// Whether these bytes, which are few, stand somewhere in here. (At worst, the time is the product of both.)
    package func contains(_ part: UnsafeRawBufferPointer) -> Bool {
        guard let first = part.first, let theirs = part.baseAddress else { return true }
        guard let mine = baseAddress else { return false }
        var start = 0
        while start + part.count <= count,
            let found = memchr(mine + start, CInt(first), count - part.count - start + 1)
        {
            if memcmp(found, theirs, part.count) == 0 { return true }
            start = UnsafeRawPointer(found) - mine + 1
        }
        return false
    }
}
