import Database
import Values

/// A sum of amounts in two halves, neither of which can leave 64 bits on its way, in whatever order the rows are added.
enum ExactSum {
    /// The two columns of a query that are ``micro(_:_:)`` of its rows; zero when there are none.
    static func sql(_ expression: String, as name: String) -> String {
        """
        CAST(coalesce(sum((\(expression)) / 1000000000), 0) AS BIGINT) AS \(name)_high,
        CAST(coalesce(sum((\(expression)) % 1000000000), 0) AS BIGINT) AS \(name)_low
        """
    }

    /// In micro-credits.
    static func micro(_ name: String, _ row: Row) throws -> Int128 {
        Int128(try row.integer(name + "_high")) * 1_000_000_000 + Int128(try row.integer(name + "_low"))
    }

    /// - Throws: `balanceTooLarge` when it does not fit in 64 bits.
    static func credits(_ name: String, _ row: Row) throws -> Credits {
        guard let micro = Int64(exactly: try micro(name, row)) else { throw MeteringError.balanceTooLarge }
        return Credits(micro: micro)
    }
}
