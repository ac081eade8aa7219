/// Where in the history files are: their name and the commit that they came with, the oldest if there are several.
enum GitPlaces {
    /// What no branch, tag or reflog leads to has no place. If git fails, nothing has: a find is worth telling without.
    static func find(_ ids: Set<String>, _ git: Git) -> [String: String] {
        if ids.isEmpty { return [:] }
        var places: [String: String] = [:]
        var commit = ""
        var line: [UInt8] = []
        try? git.run(arguments + ids.sorted().map { "--find-object=\($0)" }) { piece in
            for byte in piece {
                if byte != 0x0A {
                    line.append(byte)
                    continue
                }
                read(String(decoding: line, as: UTF8.self), &commit, &places)
                line.removeAll(keepingCapacity: true)
            }
        }
        return places
    }

    /// The settings of a repository may be anybody's, so those that would start programs are overruled.
    private static let arguments = [
        "-c", "core.quotePath=false", "log", "--all", "--reflog", "--topo-order", "--root", "-m", "--raw",
        "--no-abbrev", "--no-renames", "--no-color", "--no-show-signature", "--no-ext-diff", "--no-textconv",
        "--format=%H",
    ]

    /// A line is a commit, or, for each file that it changes, `:mode mode id id letter<tab>path`.
    private static func read(_ line: String, _ commit: inout String, _ places: inout [String: String]) {
        guard line.hasPrefix(":") else {
            if !line.isEmpty { commit = line }
            return
        }
        let parts = line.split(separator: "\t", maxSplits: 1)
        let words = parts[0].split(separator: " ")
        guard parts.count == 2, words.count == 5 else { return }
        places[String(words[3])] = "\(parts[1]) in commit \(commit.prefix(12))"
    }
}
