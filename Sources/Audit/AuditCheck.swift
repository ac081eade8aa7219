package import Database
package import Secrets

/// Follows the chain of the audit record from its first entry.
///
/// Somebody who can write to the database but has no master key can't make a link. A chain can't show by itself that
/// its end was cut off. For that, note the head of an earlier check in another place: the next check must find it
/// again.
package struct AuditCheck: Sendable {
    /// An entry's place and hash, as one prints and notes it: `17:Hd…`.
    package struct Head: Sendable, Equatable {
        package let sequence: Int64
        package let hash: String

        package init(sequence: Int64, hash: String) {
            self.sequence = sequence
            self.hash = hash
        }

        package init?(_ text: String) {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let sequence = Int64(parts[0]), sequence > 0 else { return nil }
            self.init(sequence: sequence, hash: String(parts[1]))
        }

        package var text: String { "\(sequence):\(hash)" }
    }

    package enum Difference: Sendable, Equatable {
        /// The first entry that is not as it was written, or not where it was.
        case altered(sequence: Int64)
        /// Entries were taken away, this one first.
        case missing(sequence: Int64)
        /// An entry stands outside the chain, in a table whose rules were changed to let it in.
        case outside
        /// The chain never had, or no longer has, the entry that was noted.
        case notThere(Head)
    }

    /// Entries in the chain that were looked at.
    package private(set) var entries: Int64 = 0
    package private(set) var head: Head?
    package private(set) var difference: Difference?

    private static let stretch = 1000

    /// A record without any entry has lost its first one: the first start of a deployment writes that.
    /// - Parameters:
    ///   - noted: the head of an earlier check.
    ///   - onProgress: is told again and again how many entries it has followed, and how many there are.
    package static func run(
        on database: Database, _ chain: AuditChain, noted: Head? = nil,
        onProgress: @escaping @Sendable (_ done: Int64, _ all: Int64) -> Void = { _, _ in }
    ) async throws -> AuditCheck {
        var check = AuditCheck()
        if try await database.read({ try AuditTable.hasUnlinked($0) }) { check.difference = .outside }
        // For the progress alone: a last entry that can't be read is one of those that the check finds.
        let all = (try? await database.read { try AuditTable.last($0)?.link.sequence }) ?? 0
        var isNotedMet = noted == nil
        while check.difference == nil {
            let next = check.head.map { $0.sequence + 1 } ?? .min
            let links = try await database.read { try AuditTable.links(from: next, atMost: stretch, $0) }
            if links.isEmpty { break }
            onProgress(check.entries, all)
            for link in links {
                check.follow(link, chain)
                if check.difference != nil { break }
                if check.head == noted { isNotedMet = true }
            }
        }
        if check.difference == nil, check.head == nil { check.difference = .missing(sequence: 1) }
        if check.difference == nil, !isNotedMet, let noted { check.difference = .notThere(noted) }
        return check
    }

    private mutating func follow(_ link: Result<AuditEntry, DatabaseFailure>, _ chain: AuditChain) {
        let expected = (head?.sequence ?? 0) + 1
        guard case .success(let entry) = link else {
            difference = .altered(sequence: expected)
            return
        }
        let found = entry.link
        if found.sequence != expected {
            difference = .missing(sequence: expected)
        } else if entry.hash(after: head?.hash ?? "", chain) != found.hash {
            difference = .altered(sequence: expected)
        } else {
            entries += 1
            head = Head(sequence: found.sequence, hash: found.hash)
        }
    }
}
