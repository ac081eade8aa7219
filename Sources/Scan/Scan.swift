/// Looks for keys where they must not be: in files, in the history of git repositories, on standard input.
///
/// It needs nothing of a deployment: whoever found a leak, or wants to prevent one, has neither its server nor its keys.
/// What tells a key from a look-alike is its format and its checksum. This room reads files and runs git; it may not
/// know a database, a setting or a terminal.
package struct Scan {
    /// Who is told what a scan finds, when it finds it.
    package struct Listener {
        let found: (String) -> Bool
        let said: (String) -> Void
        let looked: (_ files: Int, _ bytes: Int) -> Void

        /// - Parameters:
        ///   - found: takes the line of a find; says whether anybody reads on.
        ///   - said: takes a sentence about the scan itself.
        ///   - looked: takes how much has been looked at so far; called often.
        package init(
            found: @escaping (String) -> Bool, said: @escaping (String) -> Void,
            looked: @escaping (_ files: Int, _ bytes: Int) -> Void
        ) {
            self.found = found
            self.said = said
            self.looked = looked
        }
    }

    /// What came of it.
    package enum Outcome: Sendable {
        case nothing
        case found
        /// Nothing was found, but not everything could be read.
        case unread
    }

    private let report: ScanReport

    package init(_ kinds: KeyKinds, _ listener: Listener) { report = ScanReport(kinds, listener) }

    /// - Parameters:
    ///   - paths: files and folders; `-` is standard input.
    ///   - withHistory: whether all objects of a repository that is named are looked through as well.
    package func run(_ paths: [String], withHistory: Bool) throws -> Outcome {
        let files = FileScan(report)
        do {
            for path in paths {
                if path == "-" {
                    try files.scanStandardInput()
                    continue
                }
                let isRepository = withHistory && GitHistory.isRepository(path)
                try files.scan(path, notesRepositories: withHistory)
                if isRepository { try GitHistory(path, isNamed: paths.count > 1, report).scan() }
            }
        } catch is ScanReport.NobodyReads {
            return .found
        }
        return report.end()
    }
}
