import Glibc
import Secrets

/// Looks through every object of a repository, whether or not a branch leads to it.
final class GitHistory {
    private struct Find {
        let object: GitObjects.Object
        let finding: TokenScanner.Finding
    }

    private let folder: String
    private let isNamed: Bool
    private let report: ScanReport
    private let git: Git
    private var objects: GitObjects
    /// Not yet printed: git is asked for the places of many objects at once, since each answer takes a walk over all
    /// commits.
    private var finds: [Find] = []

    /// - Parameter isNamed: whether the finds must tell the repository, because there are others.
    init(_ folder: String, isNamed: Bool, _ report: ScanReport) {
        self.folder = folder
        self.isNamed = isNamed
        self.report = report
        git = Git(folder: folder)
        objects = GitObjects(report.kinds.scanner)
    }

    /// Whether a folder is the root of a repository: of a checked-out one, or a bare one.
    static func isRepository(_ folder: String) -> Bool {
        func exists(_ name: String) -> Bool { access("\(folder)/\(name)", F_OK) == 0 }
        return exists(".git") || exists("HEAD") && exists("objects") && exists("refs")
    }

    func scan() throws {
        do {
            try git.run(["cat-file", "--batch-all-objects", "--batch", "--unordered"]) { piece in
                report.looked(atBytes: piece.count)
                try objects.take(piece) { finds.append(Find(object: $0, finding: $1)) }
                if finds.count >= 1000 { try flush() }
            }
            if !objects.isComplete { report.couldNotRead(name, "git ended within an object") }
        } catch let failure as Git.Failure {
            report.couldNotRead(name, failure.reason)
        } catch is GitObjects.Unreadable {
            report.couldNotRead(name, "git's answer was not understood")
        } catch let failure as SystemFailure {
            report.couldNotRead(name, failure.reason)
        }
        for id in objects.missing { report.couldNotRead(Self.name(id), "git can't read the object") }
        report.objects += objects.count
        try flush()
    }

    private var name: String { "The history of \(folder)" }

    private static func name(_ id: String) -> String { "history:\(id.prefix(12))" }

    private func flush() throws {
        let places = GitPlaces.find(Set(finds.filter { $0.object.kind == .blob }.map(\.object.id)), git)
        for find in finds {
            let place =
                switch find.object.kind {
                case .commit: "in the commit itself"
                case .tag: "in a tag"
                default: places[find.object.id] ?? "in no commit that is reachable"
                }
            let origin = isNamed ? "\(place), in \(folder)" : place
            try report.found(find.finding, in: Self.name(find.object.id), origin: origin)
        }
        finds = []
    }
}
