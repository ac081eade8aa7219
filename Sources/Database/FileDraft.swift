import Glibc

/// A file that takes its name only when it is whole, and never takes the place of another.
///
/// Until then it stands beside it as `<name>.partial`, mode 0600. A process that is killed leaves that one behind; the
/// next one for the same name begins it anew.
package final class FileDraft {
    /// Why there is no such file.
    package enum Failure: Error, Sendable {
        case exists(path: String)
        case inUse(path: String)
        case unusable(path: String, reason: String)

        /// For the person who wants the file.
        package var sentence: String {
            switch self {
            case .exists(let path): "\(path) exists already, and is not overwritten. Choose another name."
            case .inUse(let path): "Another process is writing \(path). Wait for its end, or choose another name."
            case .unusable(let path, let reason): "\(path) can't be written: \(reason)."
            }
        }
    }

    /// The name that it has for now.
    package let path: String
    private let name: String
    private let descriptor: Int32
    private var isKept = false

    /// Begins an empty file.
    package init(of name: String) throws(Failure) {
        self.name = name
        path = name + ".partial"
        if access(name, F_OK) == 0 { throw .exists(path: name) }
        descriptor = try Self.take(path)
        // What SQLite has left beside an earlier one does not belong to this one.
        removeCompanions()
    }

    deinit {
        if !isKept {
            removeCompanions()
            unlink(path)
        }
        close(descriptor)
    }

    /// Opens the file, takes its lock and empties it.
    private static func take(_ path: String) throws(Failure) -> Int32 {
        // Once more when what was left is a second name of a file that somebody keeps, or the name of somebody else's.
        for _ in 0..<2 {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { throw .unusable(path: path, reason: reason()) }
            if flock(file, LOCK_EX | LOCK_NB) != 0 {
                close(file)
                throw .inUse(path: path)
            }
            if isOurs(file, path), fchmod(file, 0o600) == 0, ftruncate(file, 0) == 0 { return file }
            close(file)
            unlink(path)
        }
        throw .unusable(path: path, reason: "there is a file of somebody else")
    }

    /// A plain file of this user that has this name and no other.
    private static func isOurs(_ file: Int32, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        return fstat(file, &opened) == 0 && lstat(path, &named) == 0 && opened.st_mode & S_IFMT == S_IFREG
            && opened.st_uid == geteuid() && opened.st_nlink == 1 && opened.st_ino == named.st_ino
            && opened.st_dev == named.st_dev
    }

    /// Gives the file its name. When this returns, the file and its name are on disk.
    /// Nobody may have it open any more.
    package func keep() throws(Failure) {
        var log = stat()
        if stat(path + "-wal", &log) == 0, log.st_size > 0 {
            throw .unusable(path: path, reason: "its log is not a part of it yet")
        }
        removeCompanions()
        guard fsync(descriptor) == 0 else { throw .unusable(path: path, reason: Self.reason()) }
        // Unlike `rename`, `link` never takes the place of a file that is there.
        if link(path, name) == 0 {
            unlink(path)
        } else if errno == EEXIST || access(name, F_OK) == 0 {
            throw .exists(path: name)
        } else if rename(path, name) != 0 {
            // A file system without second names, such as exFAT, can rename.
            throw .unusable(path: name, reason: Self.reason())
        }
        isKept = true
        let slash = name.lastIndex(of: "/")
        let folder = open(slash.map { $0 == name.startIndex ? "/" : String(name[..<$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw .unusable(path: name, reason: Self.reason()) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw .unusable(path: name, reason: Self.reason()) }
    }

    private func removeCompanions() { for end in ["-journal", "-wal", "-shm"] { unlink(path + end) } }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
