import Secrets

/// Takes the output of `git cat-file --batch` apart as it comes: a line `<id> <kind> <size>`, so many bytes, a line
/// feed.
struct GitObjects {
    struct Object {
        let id: String
        let kind: Kind
    }

    enum Kind: String { case blob, commit, tag, tree }

    /// It is not as git writes it.
    struct Unreadable: Error {}

    private enum Place {
        case header
        case content(left: Int)
        case feed
    }

    private(set) var count = 0
    /// The ids that a broken repository has, and can't give the objects of.
    private(set) var missing: [String] = []
    private let fresh: TokenScanner
    private var scanner: TokenScanner
    private var place = Place.header
    private var header: [UInt8] = []
    private var object = Object(id: "", kind: .tree)

    init(_ scanner: TokenScanner) {
        fresh = scanner
        self.scanner = scanner
    }

    /// Whether the output may end here.
    var isComplete: Bool { if case .header = place { header.isEmpty } else { false } }

    mutating func take(
        _ piece: UnsafeRawBufferPointer, _ found: (Object, TokenScanner.Finding) throws -> Void
    ) throws {
        var rest = piece[...]
        while let byte = rest.first {
            switch place {
            case .header:
                let line = rest.prefix { $0 != 0x0A }
                header += line
                rest = rest.dropFirst(line.count + 1)
                if line.endIndex < piece.endIndex { try begin() }
                if header.count > 1000 { throw Unreadable() }
            case .content(let left):
                let content = rest.prefix(left)
                rest = rest.dropFirst(content.count)
                place = content.count == left ? .feed : .content(left: left - content.count)
                // A tree has names and ids, and no content.
                if object.kind == .tree { continue }
                for finding in scanner.scan(UnsafeRawBufferPointer(rebasing: content)) { try found(object, finding) }
            case .feed:
                guard byte == 0x0A else { throw Unreadable() }
                rest = rest.dropFirst()
                place = .header
            }
        }
    }

    private mutating func begin() throws {
        let words = String(decoding: header, as: UTF8.self).split(separator: " ")
        header.removeAll(keepingCapacity: true)
        if words.count == 2, words[1] == "missing" {
            missing.append(String(words[0]))
            return
        }
        guard words.count == 3, let kind = Kind(rawValue: String(words[1])), let size = Int(words[2]), size >= 0 else {
            throw Unreadable()
        }
        object = Object(id: String(words[0]), kind: kind)
        scanner = fresh
        count += 1
        place = size == 0 ? .feed : .content(left: size)
    }
}
