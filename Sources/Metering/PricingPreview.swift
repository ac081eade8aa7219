package import Values

/// A report: what was charged, and what it would have been.
package struct PricingPreview: Sendable {
    /// The most accounts that are listed, those with the greatest charge first.
    package static let limit = 100

    package struct Sum: Sendable {
        package var calls: Int64 = 0
        package var charged = Credits.zero
        package var wouldBe = Credits.zero

        func adding(_ other: Sum) throws -> Sum {
            guard let charged = charged.adding(other.charged), let wouldBe = wouldBe.adding(other.wouldBe) else {
                throw MeteringError.balanceTooLarge
            }
            return Sum(calls: calls + other.calls, charged: charged, wouldBe: wouldBe)
        }
    }

    package let total: Sum
    package let accounts: [(account: Identifier, sum: Sum)]
}
