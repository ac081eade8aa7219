import Audit
import Database
import Metering
import Secrets

/// What a copy of a whole database was found to be when it was proved: every page is sound, every balance is what the
/// ledger says, the audit record is a whole chain, and the keys are those that the data was made with.
struct CheckedCopy {
    let ledger: LedgerCheck
    let audit: AuditCheck

    /// What was found, as the two checks print it.
    var lines: String { "\(ledger.line)\n\(audit.line)" }

    /// - Throws: `Deployment.Failure` with the first thing that is not as it must be.
    static func check(_ copy: Database, with keys: DeploymentSecrets, _ progress: Progress) async throws -> CheckedCopy
    {
        try await copy.read { _ = try Deployment.requireRightKeys(keys, $0) }
        progress.show("checking every page", isNew: true)
        if let fault = try await copy.firstFault() { throw differs("the file is damaged (\(fault))") }
        let ledger = try await LedgerCheck.run(on: copy, onStep: progress.showLedgerStep)
        if let difference = ledger.difference { throw differs("ledger differs: \(difference)") }
        let audit = try await AuditCheck.run(on: copy, keys.auditChain, onProgress: progress.showAuditEntries)
        if let difference = audit.difference { throw differs("audit differs: \(difference.sentence)") }
        return CheckedCopy(ledger: ledger, audit: audit)
    }

    private static func differs(_ sentence: String) -> Deployment.Failure {
        Deployment.Failure(sentence: "Nothing was kept, because the copy is not good: \(sentence).")
    }
}

extension LedgerCheck {
    /// For a ledger without a difference.
    var line: String { "ledger ok: accounts=\(accounts) entries=\(entries) unfolded=\(unfolded)" }
}

extension AuditCheck {
    /// For a record without a difference.
    var line: String { "audit ok: entries=\(entries) head=\(head?.text ?? "none")" }
}

extension AuditCheck.Difference {
    var sentence: String {
        switch self {
        case .altered(let sequence): "entry \(sequence) is not as it was written"
        case .missing(let sequence): "entry \(sequence) is missing"
        case .outside: "there is an entry outside the chain"
        case .notThere(let head): "entry \(head.sequence) is not, or no longer, the one that was noted"
        }
    }
}
