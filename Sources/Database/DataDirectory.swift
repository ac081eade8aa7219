import Glibc

/// The folder that holds everything a deployment keeps: the database, its keys, its lock. One process owns it at a time.
///
/// The lock is `flock(2)`: it ends with the process in every case, so a crash leaves nothing to clean up. Two writers
/// on one file would meet SQLite's WAL-reset defect (before 3.51.3) and break every promise about caps.
package final class DataDirectory: Sendable {
    package enum Failure: Error, Sendable {
        case unusable(path: String, reason: String)
        case inUse(path: String)

        /// For the person who starts the server.
        package var sentence: String {
            switch self {
            case .unusable(let path, let reason): "The data directory \(path) can't be used: \(reason)."
            case .inUse(let path):
                "Another latchkey process is using the data directory \(path); stop it first, or choose another directory."
            }
        }
    }

    package let path: String
    private let lock: Int32

    /// Makes the folder if need be (mode 0700, also when it was wider) and takes the lock. A folder of another user's is
    /// taken when it is open to a group of this process and to nobody else, as a volume with an fsGroup in Kubernetes.
    package init(_ path: String) throws(Failure) {
        self.path = path
        if mkdir(path, 0o700) != 0 && errno != EEXIST { throw .unusable(path: path, reason: Self.reason()) }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .unusable(path: path, reason: "it is not a directory")
        }
        if chmod(path, 0o700) != 0 {
            guard errno == EPERM else { throw .unusable(path: path, reason: Self.reason()) }
            // What a group of the process may do is only known by trying: `access` asks for the real ids.
            let isPrivate = status.st_mode & 0o007 == 0
            guard isPrivate, faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0 else {
                throw .unusable(path: path, reason: Self.foreign(isPrivate: isPrivate, owner: status.st_uid))
            }
        }
        lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .unusable(path: path, reason: Self.reason()) }
        if flock(lock, LOCK_EX | LOCK_NB) != 0 {
            close(lock)
            throw .inUse(path: path)
        }
    }

    deinit { close(lock) }

    package var database: String { Self.database(in: path) }

    package static func database(in path: String) -> String { path + "/latchkey.db" }

    /// Free and all bytes of the file system that it is on; `nil` when that can't be told.
    package var room: (free: Int64, all: Int64)? {
        var mount = statvfs()
        guard statvfs(path, &mount) == 0 else { return nil }
        func bytes(_ blocks: UInt) -> Int64 {
            let (bytes, isOver) = blocks.multipliedReportingOverflow(by: mount.f_frsize)
            return isOver ? .max : Int64(clamping: bytes)
        }
        return (bytes(mount.f_bavail), bytes(mount.f_blocks))
    }

    /// Of the database and its log; `nil` when that can't be told.
    package var databaseBytes: Int64? {
        var status = stat()
        guard stat(database, &status) == 0 else { return nil }
        let size = Int64(status.st_size)
        return stat(database + "-wal", &status) == 0 ? size + Int64(status.st_size) : size
    }

    /// Creates an empty file with mode 0600 unless there is one. SQLite gives its log and shared-memory file the mode
    /// of the database file (https://sqlite.org/wal.html), so this one call keeps all three private.
    static func createPrivateFile(_ path: String) throws(Failure) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .unusable(path: path, reason: reason()) }
        defer { close(file) }
        guard fchmod(file, 0o600) == 0 else { throw .unusable(path: path, reason: reason()) }
    }

    private static func foreign(isPrivate: Bool, owner: uid_t) -> String {
        isPrivate
            ? "it belongs to user \(owner), and this process (user \(geteuid())) may not write to it; give it to this user "
                + "(chown), or to a group of this process (chgrp, chmod 2770)"
            : "it belongs to user \(owner) and is open to everybody; give it to this user (chown), or to a group of this "
                + "process alone (chgrp, chmod 2770), or name a folder inside it, which the first start makes"
    }

    private static func reason() -> String {
        switch errno {
        case ENOENT: "the folder that it is to be in does not exist; make that first"
        case EACCES: "this user may not write there; give it to this user, or choose another place with --data-dir"
        case EROFS: "its file system is read-only; choose another place with --data-dir"
        default: String(cString: strerror(errno))
        }
    }
}
