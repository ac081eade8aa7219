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
        /// The first entry that is not as it was written, or not where it was. The first of all stands for what was
        /// there before the chain as well.
        case altered(sequence: Int64)
        /// Entries were taken away, this one first.
        case missing(sequence: Int64)
        /// The chain never had, or no longer has, the entry that was noted.
        case notThere(Head)
    }

    /// Entries in the chain that were looked at.
    package private(set) var entries: Int64 = 0
    /// Entries of a release before there was a chain, which begins with them.
    package private(set) var unchained = 0
    package private(set) var head: Head?
    package private(set) var difference: Difference?

    private var beginning: String?

    private static let stretch = 1000

    /// - Parameters:
    ///   - noted: the head of an earlier check.
    ///   - hasBegun: whether the data is known to have a chain, so that its absence shows.
    package static func run(
        on database: Database, _ chain: AuditChain, noted: Head? = nil, hasBegun: Bool = false
    ) async throws -> AuditCheck {
        var check = AuditCheck()
        do {
            let older = try await database.read { try AuditTable.unlinked($0) }
            check.unchained = older.count
            check.beginning = AuditEntry.beginning(older, chain)
        } catch DatabaseFailure.malformedRow {
            // Then the first link can't be right.
        }
        var isNotedMet = noted == nil
        while check.difference == nil {
            let next = check.head.map { $0.sequence + 1 } ?? .min
            let links = try await database.read { try AuditTable.links(from: next, atMost: stretch, $0) }
            if links.isEmpty { break }
            for link in links {
                check.follow(link, chain)
                if check.difference != nil { break }
                if check.head == noted { isNotedMet = true }
            }
        }
        if check.difference == nil, check.head == nil, hasBegun { check.difference = .missing(sequence: 1) }
        if check.difference == nil, !isNotedMet, let noted { check.difference = .notThere(noted) }
        return check
    }

    private mutating func follow(_ link: Result<AuditEntry, DatabaseFailure>, _ chain: AuditChain) {
        let expected = (head?.sequence ?? 0) + 1
        guard case .success(let entry) = link, let found = entry.link else {
            difference = .altered(sequence: expected)
            return
        }
        if found.sequence != expected {
            difference = .missing(sequence: expected)
        } else if (head?.hash ?? beginning).map({ entry.hash(after: $0, chain) }) != found.hash {
            difference = .altered(sequence: expected)
        } else {
            entries += 1
            head = Head(sequence: found.sequence, hash: found.hash)
        }
    }
}
