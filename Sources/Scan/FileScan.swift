import CDispatch
import Glibc
import Secrets

// The compiler counts `stat`'s members to whichever of the two was loaded first.

/// Looks through files, and through folders with all that is below them.
///
/// The order is that of the names, so that two scans of the same files say the same.
final class FileScan {
    private enum Kind { case folder, file, link, other }

    private let report: ScanReport
    private let pieces = PieceReader()

    init(_ report: ScanReport) { self.report = report }

    func scanStandardInput() throws {
        try read(STDIN_FILENO, FilePath("-"))
    }

    /// What is named is followed when it is a link, and read whatever it is; what is found below it is not.
    func scan(_ path: String, notesRepositories: Bool) throws {
        let root = FilePath(path)
        guard let kind = kind(root, follow: true) else { return report.couldNotRead(root.text, SystemFailure().reason) }
        guard kind == .folder else { return try scanFile(root, follow: true) }
        // Folders that were seen and not yet looked into, the next one last.
        var folders: [FilePath] = []
        try scanFolder(root, isRoot: true, notesRepositories, &folders)
        while let folder = folders.popLast() {
            try scanFolder(folder, isRoot: false, notesRepositories, &folders)
        }
    }

    /// Its files at once, and its folders onto the pile.
    private func scanFolder(
        _ folder: FilePath, isRoot: Bool, _ notesRepositories: Bool, _ pile: inout [FilePath]
    ) throws {
        let names: [[UInt8]]
        do throws(SystemFailure) {
            names = try Self.names(in: folder, follow: isRoot)
        } catch {
            return report.couldNotRead(folder.text, error.reason)
        }
        var folders: [FilePath] = []
        for name in names {
            let path = folder.appending(name)
            let isGit = name.elementsEqual(".git".utf8)
            switch kind(path, follow: false) {
            case .folder where isGit: if notesRepositories && !isRoot { report.innerRepositories += 1 }
            case .folder: folders.append(path)
            case .file:
                if isGit && notesRepositories && !isRoot { report.innerRepositories += 1 }
                try scanFile(path, follow: false)
            case .link, .other: break
            case nil: report.couldNotRead(path.text, SystemFailure().reason)
            }
        }
        pile += folders.reversed()
    }

    private func scanFile(_ path: FilePath, follow: Bool) throws {
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY | (follow ? 0 : O_NOFOLLOW)) }
        guard descriptor >= 0 else { return report.couldNotRead(path.text, SystemFailure().reason) }
        defer { close(descriptor) }
        try read(descriptor, path)
    }

    private func read(_ descriptor: Int32, _ path: FilePath) throws {
        var scanner = report.kinds.scanner
        do {
            try pieces.read(descriptor) { piece in
                report.looked(atBytes: piece.count)
                for finding in scanner.scan(piece) { try report.found(finding, in: path.text) }
            }
            report.files += 1
        } catch let failure as SystemFailure {
            report.couldNotRead(path.text, failure.reason)
        }
    }

    /// `nil` when it can't be told; `errno` has why.
    private func kind(_ path: FilePath, follow: Bool) -> Kind? {
        var status = stat()
        guard path.withCString({ follow ? stat($0, &status) : lstat($0, &status) }) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFREG: return .file
        case S_IFLNK: return .link
        default: return .other
        }
    }

    private static func names(in folder: FilePath, follow: Bool) throws(SystemFailure) -> [[UInt8]] {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)
        let descriptor = folder.withCString { open($0, flags) }
        guard descriptor >= 0, let stream = fdopendir(descriptor) else { throw SystemFailure() }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            // Only `errno` tells the end from a failure.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8) { names.append(name) }
        }
        guard errno == 0 else { throw SystemFailure() }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
