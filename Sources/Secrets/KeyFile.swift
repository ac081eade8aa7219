import Glibc
import Values

/// One key in a file of its own: one line of base64, mode 0600.
struct KeyFile {
    let path: String

    init(_ path: String) { self.path = path }

    var exists: Bool { access(path, F_OK) == 0 }

    /// Written in full and synced, with its name in the directory, before anything is hashed with it: a key lost in a
    /// power cut would take all data with it.
    func create(_ entropy: Entropy) throws(DeploymentSecretsError) {
        // Under another name until it is whole: a crash in between would leave an empty file that no start can read.
        let draft = "\(path).\(String(entropy.word(), radix: 16))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .unreadable(path: path, code: errno) }
        defer { unlink(draft) }
        defer { close(file) }
        let line = Secret(Base64.encode(entropy.bytes(32)) + "\n")
        let isWritten = line.withBytes { write(file, $0.baseAddress, $0.count) == $0.count } && fsync(file) == 0
        guard isWritten else { throw .unreadable(path: path, code: errno) }
        // Unlike `rename`, `link` never takes the place of a key that is already there.
        guard link(draft, path) == 0 else { throw .unreadable(path: path, code: errno) }
        let folder = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw .unreadable(path: path, code: errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw .unreadable(path: path, code: errno) }
    }

    /// The key, and what the operator should know about who else may read it.
    /// - Parameter isOurs: it is in the data directory, so its rights are ours to set.
    func read(isOurs: Bool = false) throws(DeploymentSecretsError) -> (key: Secret, remark: String?) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, code: errno) }
        defer { close(file) }
        var status = stat()
        var mount = statvfs()
        guard fstat(file, &status) == 0, fstatvfs(file, &mount) == 0 else {
            throw .unreadable(path: path, code: errno)
        }
        let access = KeyFileAccess(
            mode: status.st_mode, owner: status.st_uid, group: status.st_gid,
            isReadOnly: mount.f_flag & UInt(ST_RDONLY) != 0, isOurs: isOurs, reader: .current)
        if access == .refused { throw .tooOpen(path: path) }
        if case .opened = access, fchmod(file, 0o600) != 0 { throw .unreadable(path: path, code: errno) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw .unreadable(path: path, code: errno) }
        let key = try DeploymentSecrets.decode(Secret(Array(bytes.prefix(count))), orThrow: .malformed(source: path))
        return (key, access.remark(path: path))
    }
}
