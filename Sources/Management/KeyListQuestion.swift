package import Credentials
package import Metering
package import Values

/// Which keys of an account are asked for, and in which order.
package struct KeyListQuestion: Sendable {
    package var search: KeySearch?
    /// `nil` for all; one of these otherwise.
    package var statuses: [KeyStatus]?
    package var application: Identifier?
    package var label: KeyLabel?
    package var environment: KeyEnvironment?
    package var sort = KeySort.standard

    package init() {}

    /// As much of it as the keys alone tell.
    var filter: KeyFilter {
        var filter = KeyFilter(application: application)
        filter.search = search
        filter.label = label
        filter.environment = environment
        if let statuses { filter.states = Set(statuses.map(\.state)) }
        return filter
    }

    /// Whether the credits that were used decide which of the enabled keys are asked for.
    var needsMeters: Bool {
        guard let statuses else { return false }
        let enabled = KeyStatus.allCases.filter { $0.state == .enabled }
        let asked = enabled.filter(statuses.contains)
        return !asked.isEmpty && asked.count < enabled.count
    }

    func takes(_ status: KeyStatus) -> Bool { statuses?.contains(status) ?? true }

    /// The same for every question that has the same answer.
    var mark: CursorMark {
        let statuses = statuses.map { "=" + Set($0.map(\.rawValue)).sorted().joined(separator: ",") }
        let parts = [
            sort.text, search?.small, statuses, application?.description, label?.text, environment?.text,
        ]
        return CursorMark(parts.map { Text($0 ?? "") })
    }
}

extension KeyStatus {
    fileprivate var state: KeyFilter.State {
        switch self {
        case .expired: .expired
        case .disabled: .disabled
        case .active, .exhausted, .suspended: .enabled
        }
    }
}
