import Secrets

/// Says what a scan finds, when it finds it, and at the end what to do about it.
final class ScanReport {
    let kinds: KeyKinds
    var files = 0
    var objects = 0
    /// Repositories below a folder that was walked: their histories weren't asked for, and are easily forgotten.
    var innerRepositories = 0
    /// Nobody is there to be told what else is found.
    struct NobodyReads: Error {}

    private let listener: Scan.Listener
    private var bytes = 0
    private var finds = 0
    private var unread = 0

    init(_ kinds: KeyKinds, _ listener: Scan.Listener) {
        self.kinds = kinds
        self.listener = listener
    }

    func looked(atBytes count: Int) {
        bytes += count
        listener.looked(files, bytes)
    }

    /// - Parameter origin: more about where it was found.
    func found(_ finding: TokenScanner.Finding, in name: String, origin: String? = nil) throws {
        finds += 1
        let kind = kinds.name(ofPrefix: finding.prefix)
        let about = origin.map { "\(kind); \(readable($0))" } ?? kind
        let line = "\(readable(name)):\(finding.line):\(finding.column): \(finding.hint) (\(about))"
        guard listener.found(line) else { throw NobodyReads() }
    }

    func couldNotRead(_ name: String, _ reason: String) {
        unread += 1
        say("\(readable(name)) could not be read: \(readable(reason)).")
    }

    /// The last sentence, and the outcome.
    func end() -> Scan.Outcome {
        let extent = counted(files, "file") + (objects > 0 ? " and \(counted(objects, "object")) of git's history" : "")
        if innerRepositories > 0 {
            say("Folders below have a .git of their own (\(innerRepositories)). To scan their histories, name them.")
        }
        var sentence = finds == 0 ? "Nothing found in \(extent)" : "\(counted(finds, "find")) in \(extent)"
        if unread > 0 { sentence += ", but \(counted(unread, "path")) could not be read" }
        guard finds > 0 else {
            say(sentence + ".")
            return unread > 0 ? .unread : .nothing
        }
        say(
            """
            \(sentence). Treat each key as leaked: report it with POST /api/v1/leaks, or rotate or delete it; taking \
            it out of the file is not enough.
            """)
        return .found
    }

    private func counted(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    private func say(_ sentence: String) { listener.said(sentence) }

    /// What others have chosen, fit to be printed: without keys, and without anything that a terminal would obey.
    private func readable(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned:
                shown += scalar.escaped(asASCII: true)
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return kinds.masked(shown)
    }
}
