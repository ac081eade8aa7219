extension Setting {
    /// What every variable that is a setting begins with.
    static let environmentPrefix = "LATCHKEY_"

    /// The setting that a name was meant for: a variable's, or one as in the file. It differs in a letter or two, or has
    /// words of one setting alone (`LATCHKEY_PORT`). `nil` when it looks like none.
    static func meant(by name: String) -> Setting? {
        // A longer name is no slip, and the comparison takes time with the square of it.
        guard name.utf8.count <= 64 else { return nil }
        let name = name.hasPrefix(environmentPrefix) ? String(name.dropFirst(environmentPrefix.count)) : name
        let written = Array(name.uppercased().utf8).map {
            [UInt8(ascii: "."), UInt8(ascii: "-")].contains($0) ? gap : $0
        }
        let near = allCases.map { (setting: $0, slips: slips(written, $0.words)) }.min { $0.slips < $1.slips }
        if let near, near.slips <= max(1, min(3, written.count / 5)) { return near.setting }
        let words = Set(written.split(separator: gap))
        let holding = allCases.filter { words.isSubset(of: $0.words.split(separator: gap)) }
        return words.isEmpty || holding.count != 1 ? nil : holding[0]
    }

    /// What Kubernetes puts into `…_PORT`: `tcp://10.0.0.1:8080`.
    static func isServiceAddress(_ value: String) -> Bool {
        ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) }
    }

    private static let gap = UInt8(ascii: "_")
    private var words: [UInt8] { Array(environmentName.utf8.dropFirst(Self.environmentPrefix.utf8.count)) }

    /// The least number of letters to add, drop, change or swap with the next (optimal string alignment).
    private static func slips(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var before: [Int] = []
        var last = Array(0...other.count)
        for (row, letter) in one.enumerated() {
            var next = [row + 1]
            for (column, against) in other.enumerated() {
                var least = min(last[column] + (letter == against ? 0 : 1), last[column + 1] + 1, next[column] + 1)
                if row > 0, column > 0, letter == other[column - 1], one[row - 1] == against {
                    least = min(least, before[column - 1] + 1)
                }
                next.append(least)
            }
            (before, last) = (last, next)
        }
        return last[other.count]
    }
}
