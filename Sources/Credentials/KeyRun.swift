import Database
import Secrets
import Values

/// Keys of an account that follow each other in a list.
package struct KeyRun: Sendable {
    package let items: [Credential]
    /// Where the list goes on; `nil` when it has ended.
    package let next: KeyPosition?
}

/// How a run of keys is read.
///
/// Each order has an index of an account's keys, so a run begins where the one before has ended and reads as many rows as
/// it shows, however many there are. What no index finds is looked for among the next ``window`` keys of the order, and the
/// run ends there. Keys that have not expired are few (invariant 3): a list of those alone reads all of them by their
/// expiry, unless there are more than ``few`` because a clock was wrong.
struct KeyRunQuery {
    let account: Identifier
    let filter: KeyFilter
    let sort: KeySort
    let format: TokenFormat
    /// How many keys a run looks at, at most, where it is narrowed.
    var window = 1000
    /// Up to so many keys are read and then ordered. Far more than any account may have.
    var few = 100

    /// Which rows a run comes from.
    enum Source {
        /// All keys, in order.
        case all
        /// All that have not expired, of which there are ``few`` at most.
        case unexpired
    }

    /// - Parameters:
    ///   - start: `nil` for the beginning.
    ///   - limit: how many keys at most.
    func run(
        after start: KeyPosition?, atMost limit: Int, _ now: Timestamp, _ connection: Connection
    ) throws -> KeyRun {
        let source: Source =
            try !filter.states.contains(.expired) && isFew(now, connection) ? .unexpired : .all
        let end =
            source == .all && !filter.isInIndex(of: sort) ? try endOfWindow(after: start, connection) : nil
        let rows = try connection.rows(
            sql(source), values: values(source, from: start, through: end, limit + 1, now)
        ).map { try CredentialTable.credential($0, now, format) }
        guard rows.count > limit else { return KeyRun(items: rows, next: end) }
        let items = Array(rows.prefix(limit))
        return KeyRun(items: items, next: items.last.map { KeyPosition(behind: $0, in: sort) })
    }

    private func isFew(_ now: Timestamp, _ connection: Connection) throws -> Bool {
        let count = try connection.row(
            "SELECT count(*) AS n FROM (SELECT 1 FROM credentials WHERE \(Self.isUnexpired) LIMIT $3) AS unexpired",
            account, now, few + 1
        )?.integer("n")
        return count.map { $0 <= few } ?? true
    }

    /// Where the window ends; `nil` when the list ends in it.
    private func endOfWindow(after start: KeyPosition?, _ connection: Connection) throws -> KeyPosition? {
        try connection.rows(windowSQL, values: windowValues(after: start)).first.map { row in
            let id = try row.identifier("id")
            return switch sort.field {
            case .name: KeyPosition(.text(Text(try row.text("place"))), id)
            case .creation, .lastUse, .expiry: KeyPosition(.number(try row.integer("place")), id)
            }
        }
    }
}

/// The SQL. Each text is one of few, so that all of them stay prepared.
extension KeyRunQuery {
    private static let isUnexpired = "account_id = $1 AND deleted_at IS NULL AND expiry_order > $2"

    private var column: String {
        switch sort.field {
        case .creation: "created_at"
        case .name: "name_order"
        case .lastUse: "use_order"
        case .expiry: "expiry_order"
        }
    }

    private var order: String {
        let direction = sort.isDescending ? "DESC" : "ASC"
        return "credentials.\(column) \(direction), credentials.id \(direction)"
    }

    /// What lies behind a place, and what does not.
    private var beyond: String { sort.isDescending ? "<" : ">" }
    private var within: String { sort.isDescending ? ">=" : "<=" }

    /// Whether the id or the hint of a secret has $9 in it: a text without it would be another one. (There is no pattern that
    /// means the same to every engine.)
    private static func has(_ id: String) -> String {
        let hint = """
            lower($10 || substr(\(id), 1, \(TokenShape.hintBegin)) || '…'
                || substr(\(id), \(TokenID.length - TokenShape.hintEnd + 1)))
            """
        return "replace(lower(\(id)), $9, '') <> lower(\(id)) OR replace(\(hint), $9, '') <> \(hint)"
    }

    private static let unexpired = """
        (SELECT id AS found FROM credentials WHERE \(isUnexpired) LIMIT $17) AS unexpired CROSS JOIN
        """

    func sql(_ source: Source) -> String {
        let (from, isFound) =
            switch source {
            case .all: ("", "")
            case .unexpired: (Self.unexpired, "credentials.id = unexpired.found AND")
            }
        let ofApplication = filter.isByApplication(in: sort) ? "" : "$6 = '' OR "
        let (hasCurrent, hasRetiring) = (Self.has("credentials.secret_id"), Self.has("retiring_secrets.secret_id"))
        return """
            SELECT \(CredentialTable.columns) FROM \(from) \(CredentialTable.tables)
            WHERE \(isFound) credentials.account_id = $1 AND credentials.deleted_at IS NULL
              AND (\(ofApplication)credentials.application_id = $6)
              AND (credentials.\(column), credentials.id) \(beyond) ($11, $12)
              AND (credentials.\(column), credentials.id) \(within) ($13, $14)
              AND CASE WHEN credentials.expires_at <= $2 THEN $3 WHEN credentials.disabled_at IS NOT NULL THEN $4
                ELSE $5 END = 1
              AND ($7 = '' OR credentials.environment = $7)
              AND ($8 = '' OR replace(' ' || credentials.labels || ' ', $8, '') <> ' ' || credentials.labels || ' ')
              AND ($9 = '' OR replace(credentials.name_order, $9, '') <> credentials.name_order OR \(hasCurrent)
                OR (retiring_secrets.ends_at > $2 AND retiring_secrets.ends_at <= $15 AND (\(hasRetiring))))
            ORDER BY \(order) LIMIT $16
            """
    }

    /// - Parameters:
    ///   - start: `nil` for the beginning.
    ///   - end: the last key to look at; `nil` for all.
    func values(
        _ source: Source, from start: KeyPosition?, through end: KeyPosition?, _ limit: Int, _ now: Timestamp
    ) -> [(any SQLValue)?] {
        let (begin, last) = (bound(start, isLast: false), bound(end, isLast: true))
        let values: [(any SQLValue)?] = [
            account, now, filter.states.contains(.expired), filter.states.contains(.disabled),
            filter.states.contains(.enabled), filter.application?.description ?? "", filter.environment?.text ?? "",
            filter.label.map { " \($0.text) " } ?? "", filter.search?.small ?? "", format.shape.prefix, begin.value,
            begin.id, last.value, last.id, RetiringSecretTable.latestEnd(now), limit,
        ]
        return source == .unexpired ? values + [few] : values
    }

    var windowSQL: String {
        let ofApplication = filter.isByApplication(in: sort) ? "AND application_id = $5" : ""
        return """
            SELECT \(column) AS place, id FROM credentials
            WHERE account_id = $1 AND deleted_at IS NULL AND (\(column), id) \(beyond) ($2, $3)
              \(ofApplication)
            ORDER BY \(order) LIMIT 1 OFFSET $4
            """
    }

    func windowValues(after start: KeyPosition?) -> [(any SQLValue)?] {
        let begin = bound(start, isLast: false)
        let values: [(any SQLValue)?] = [account, begin.value, begin.id, window - 1]
        return filter.isByApplication(in: sort) ? values + [filter.application] : values
    }

    /// A place as the table has it; for `nil` one before or behind all keys.
    private func bound(_ position: KeyPosition?, isLast: Bool) -> (value: KeyPosition.Value, id: String) {
        if let position { return (position.value, position.id.description) }
        let isHigh = sort.isDescending != isLast
        return switch sort.field {
        // No name has this character, which is greater than any other.
        case .name: (.text(isHigh ? "\u{10FFFF}" : ""), isHigh ? "~" : "")
        case .creation, .lastUse, .expiry: (.number(isHigh ? .max : .min), isHigh ? "~" : "")
        }
    }
}
