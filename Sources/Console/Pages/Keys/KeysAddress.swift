import Credentials
import Foundation
import Management
import Metering
import Values

/// Which keys the list shows, as its address says it.
struct KeysAddress {
    enum State: String, CaseIterable {
        case active, disabled, expired

        /// The API's words for one of the console's.
        var statuses: [KeyStatus] {
            switch self {
            case .active: [.active]
            case .disabled: [.disabled, .exhausted, .suspended]
            case .expired: [.expired]
            }
        }
    }

    /// The orders to choose among; the first is the usual one.
    static let sorts = [
        KeySort.standard, KeySort(.lastUse, isDescending: true), KeySort(.name), KeySort(.expiry),
    ]

    var search: Text
    var state: State?
    var application: Identifier?
    var label: KeyLabel?
    var environment: KeyEnvironment?
    var sort: KeySort
    var cursor: Text?

    init(_ visit: Visit) {
        search = visit.query("search") ?? ""
        state = visit.query("status").flatMap { State(rawValue: $0.string) }
        application = visit.query("application").flatMap { Identifier($0) }
        label = visit.query("label").flatMap { KeyLabel($0) }
        environment = visit.query("environment").flatMap { KeyEnvironment($0) }
        sort = visit.query("sort").flatMap { KeySort($0) } ?? .standard
        cursor = visit.query("cursor")
    }

    /// Whether it asks for all keys, from the first.
    var isPlain: Bool {
        search.isEmpty && state == nil && application == nil && label == nil && environment == nil && cursor == nil
    }

    /// - Throws: the rule that the search breaks.
    func question() throws(InvalidSearch) -> KeyListQuestion {
        var question = KeyListQuestion()
        if !search.isEmpty {
            guard let valid = KeySearch(search) else { throw InvalidSearch() }
            question.search = valid
        }
        question.statuses = state?.statuses
        question.application = application
        question.label = label
        question.environment = environment
        question.sort = sort
        return question
    }

    struct InvalidSearch: Error {}

    var path: String {
        var parts: [String] = []
        func add(_ name: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            parts.append(name + "=" + (value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""))
        }
        add("search", search.string)
        add("status", state?.rawValue)
        add("application", application?.description)
        add("label", label?.text)
        add("environment", environment?.text)
        add("sort", sort == .standard ? nil : sort.text)
        add("cursor", cursor?.string)
        return Navigation.Place.keys.path + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
    }

    /// The same from the first page on, with something changed.
    func changed(_ change: (inout KeysAddress) -> Void) -> KeysAddress {
        var other = self
        other.cursor = nil
        change(&other)
        return other
    }
}
