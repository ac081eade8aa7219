import Values

/// What the message under way has taken of the bytes that may be received at once.
///
/// Counted in pieces: a small body is not counted at all, since there are no more of those than connections.
struct ReceivingShare {
    private static let piece = 64 * 1024

    private var owners: [ShareOwner]
    private var counted = 0
    private var uncounted = 0

    init(_ owners: ShareOwner...) { self.owners = owners }

    /// More bytes have come.
    /// - Returns: whether there is room for them.
    mutating func count(_ bytes: Int, of shares: Shares) -> Bool {
        uncounted += bytes
        guard uncounted >= Self.piece else { return true }
        guard shares.take(uncounted, for: owners) else { return false }
        counted += uncounted
        uncounted = 0
        return true
    }

    /// These bytes, and those that are still to come, are of more owners.
    /// - Returns: whether each of them has room for what has come.
    mutating func add(_ more: [ShareOwner], of shares: Shares) -> Bool {
        if counted > 0, !shares.join(counted, more) { return false }
        owners += more
        return true
    }

    mutating func giveBack(to shares: Shares) {
        if counted > 0 { shares.giveBack(counted, for: owners) }
        self = ReceivingShare()
    }
}
