import Glibc

/// Who may read a key file besides its owner, and whether that can be meant.
///
/// A container gets its secrets as files that are not its own: of root, readable for a group of the process (0440) or
/// for everybody (0444) on a mount where nobody can write
/// (https://kubernetes.io/docs/concepts/configuration/secret/#secret-files-permissions). Everything else that others
/// may read is a slip, and a key that has been read is no key any more.
enum KeyFileAccess: Equatable {
    case owner
    /// A group of the process may read it, and nobody may write.
    case group(gid_t)
    /// Others may read it, but the file system is mounted read-only.
    case readOnlyMount
    /// A file of our own that was opened to a group of ours: Kubernetes does that to all files of a volume with an
    /// fsGroup (it adds 0660) each time it mounts it. It can be closed again.
    case opened(gid_t)
    case refused

    /// Whose groups count.
    struct Reader {
        let user: uid_t
        let groups: Set<gid_t>

        static var current: Reader {
            var more = [gid_t](repeating: 0, count: max(0, Int(getgroups(0, nil))))
            let count = getgroups(CInt(more.count), &more)
            return Reader(user: geteuid(), groups: Set(more.prefix(max(0, Int(count)))).union([getegid()]))
        }
    }

    /// - Parameter isOurs: it is in the data directory.
    init(mode: mode_t, owner: uid_t, group: gid_t, isReadOnly: Bool, isOurs: Bool, reader: Reader) {
        let isGroups = mode & 0o007 == 0 && reader.groups.contains(group)
        if mode & 0o077 == 0 {
            self = .owner
        } else if isReadOnly, mode & 0o033 == 0 {
            self = .readOnlyMount
        } else if isGroups, isOurs, owner == reader.user, mode & 0o010 == 0 {
            self = .opened(group)
        } else if isGroups, mode & 0o030 == 0,
            (owner == 0 && reader.user != 0) || (owner == reader.user && mode & 0o200 == 0)
        {
            // Of root alone: another owner could read and replace it. The owner itself needs no group to read it: with
            // 0640 the group would be others.
            self = .group(group)
        } else {
            self = .refused
        }
    }

    /// For the log; `nil` when there is nothing to say.
    func remark(path: String) -> String? {
        switch self {
        case .owner, .refused: nil
        case .group(let group):
            "The key file \(path) may be read by the group \(group). That is accepted: this process is in the group."
        case .readOnlyMount:
            "The key file \(path) may be read by others. That is accepted: its file system is mounted read-only."
        case .opened(let group):
            "The key file \(path) was open to the group \(group), as Kubernetes leaves the files of a volume with an "
                + "fsGroup. It is private again (0600)."
        }
    }
}
