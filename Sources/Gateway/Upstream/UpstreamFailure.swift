package import Catalog
package import Policy

/// An upstream gave no answer, or none to its end: what the caller is told, and what the operator is.
package struct UpstreamFailure: Error, Sendable, Equatable {
    package let denial: Denial
    /// For the log, in words of our own: an upstream's would be a stranger's there.
    package let how: String
    /// For who tests a provider: one of a closed list.
    package let fault: ProviderTest.Fault

    package init(_ denial: Denial, _ how: String, _ fault: ProviderTest.Fault = .brokenOff) {
        self.denial = denial
        self.how = how
        self.fault = fault
    }

    /// It did something that ends the call.
    static func failed(_ how: String, _ fault: ProviderTest.Fault = .brokenOff) -> UpstreamFailure {
        UpstreamFailure(.upstreamFailed, how, fault)
    }

    /// It did nothing for too long.
    static func late(_ how: String) -> UpstreamFailure { UpstreamFailure(.upstreamTimeout, how, .timedOut) }
}
