import Foundation

/// How much memory a piece of work takes at its most. Only for a process of its own (an exit test): what others do at
/// the same time would count, too.
package enum PeakMemory {
    /// In bytes. The peak is the kernel's (proc(5): `clear_refs`, `VmHWM`); where it can't be had, the process ends.
    package static func taken(by work: () -> Void) -> Int {
        guard let file = fopen("/proc/self/clear_refs", "w") else { exit(2) }
        fputs("5", file)
        fclose(file)
        let before = residentBytes("VmRSS")
        work()
        return residentBytes("VmHWM") - before
    }

    private static func residentBytes(_ field: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
        guard let count = line?.split(whereSeparator: \.isWhitespace).compactMap({ Int($0) }).first else { exit(2) }
        return count << 10
    }
}
