import Accounts
import Applications
import Audit
import Catalog
import Credentials
import Database
import Foundation
import Metering
import Policy
import Secrets
import Values

/// Times holds and charges inside one process, without sockets, beside a bare loop of the same statements on the same
/// disk. Prints one JSON object for `run.py`; with the argument `commits`, only how long a commit of one row takes there.
@main
struct ChargeBenchmark {
    static func main() async throws {
        // Away from the main thread, to which an entry point is bound: a call there and back would be all that is timed.
        try await Task.detached { try await measure() }.value
    }

    private static let accounts = 1000
    private static let batch = 64
    private static let seconds = 3.0

    private static func measure() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "latchkey-bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let raw = try RawLoop(folder + "/raw.db")
        if CommandLine.arguments.contains("commits") {
            let commits = try raw.commitTimes(2000).sorted()
            print("{\"p50\": \(commits[commits.count / 2]), \"p99\": \(commits[commits.count * 99 / 100])}")
            return
        }
        let house = try await House(folder, accounts: accounts)
        let before = try house.bytes()
        var rates: [Double] = []
        var hot: [Double] = []
        var ratios: [Double] = []
        var charges = 0
        // In turn, so that a change of the machine's speed meets both.
        for _ in 0..<5 {
            let ours = try await house.charge(accounts: accounts, atOnce: 2 * batch, seconds: seconds)
            let bare = try raw.chargesPerSecond(accounts: Int64(accounts), batch: batch, seconds: seconds)
            let one = try await house.charge(accounts: 1, atOnce: 2 * batch, seconds: seconds)
            rates.append(ours.perSecond)
            hot.append(one.perSecond)
            ratios.append(ours.perSecond / bare)
            charges += ours.count + one.count
        }
        await house.metering.drain(for: .seconds(10))
        let figures = [
            "charges_per_second": median(rates), "charges_per_second_hot_account": median(hot),
            "charges_vs_raw_sqlite": median(ratios),
            "bytes_per_charge": Double(try house.bytes() - before) / Double(charges),
        ]
        print("{" + figures.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}")
        try house.database.close()
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
