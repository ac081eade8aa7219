import Testing

@testable import Secrets

@Suite("Who else may read a key file")
struct KeyFileAccessTests {
    private static let us: UInt32 = 1000
    private static let root: UInt32 = 0
    private static let ourGroup: UInt32 = 2000

    private func access(
        _ mode: UInt32, owner: UInt32 = root, group: UInt32 = ourGroup, readOnly: Bool = false, isOurs: Bool = false
    ) -> KeyFileAccess {
        KeyFileAccess(
            mode: mode | 0o100000, owner: owner, group: group, isReadOnly: readOnly, isOurs: isOurs,
            reader: .init(user: Self.us, groups: [1000, Self.ourGroup]))
    }

    @Test("its owner's alone", arguments: [0o600, 0o400, 0o700] as [UInt32]) func own(mode: UInt32) {
        for owner in [Self.us, Self.root] { #expect(access(mode, owner: owner, group: 0) == .owner) }
    }

    @Test("a secret of a container: of root, for a group of the process") func group() {
        #expect(access(0o440) == .group(Self.ourGroup))
        #expect(access(0o640) == .group(Self.ourGroup))
        #expect(access(0o440, owner: Self.us) == .group(Self.ourGroup))
        #expect(access(0o440, group: 3000) == .refused)
        #expect(access(0o640, owner: Self.us) == .refused)
        for mode: UInt32 in [0o460, 0o450, 0o660, 0o444, 0o441, 0o644] { #expect(access(mode) == .refused) }
    }

    @Test("for everybody, only where nobody can write") func readOnlyMount() {
        for mode: UInt32 in [0o444, 0o644, 0o440, 0o404] {
            #expect(access(mode, group: 3000, readOnly: true) == .readOnlyMount)
            #expect(access(mode, group: 3000) == .refused)
        }
        for mode: UInt32 in [0o666, 0o646, 0o664, 0o445, 0o454] {
            #expect(access(mode, readOnly: true) == .refused)
        }
    }

    @Test("our own, which a volume's mount has opened") func opened() {
        for mode: UInt32 in [0o660, 0o640, 0o620] {
            #expect(access(mode, owner: Self.us, isOurs: true) == .opened(Self.ourGroup))
            #expect(access(mode, owner: Self.us, group: 3000, isOurs: true) == .refused)
            #expect(access(mode, owner: Self.us) == .refused)
        }
        #expect(access(0o660, isOurs: true) == .refused)
        for mode: UInt32 in [0o664, 0o666, 0o670] { #expect(access(mode, owner: Self.us, isOurs: true) == .refused) }
    }

    @Test("a sentence for all that is not plain, and it names the file") func remarks() {
        for access in [KeyFileAccess.group(7), .readOnlyMount, .opened(7)] {
            #expect(access.remark(path: "/run/secrets/master")?.contains("/run/secrets/master") == true)
        }
        #expect(KeyFileAccess.owner.remark(path: "/x") == nil)
    }
}
