package import Policy

/// What has been used of a key: the numbers beside its limits.
package struct KeyMeter: Sendable {
    package var usage: Usage
    /// In the month that was asked for.
    package var month: Usage

    package init(usage: Usage = Usage(), month: Usage = Usage()) {
        self.usage = usage
        self.month = month
    }
}
