import Credentials
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
    /// Something in it is none of what can be chosen. Which keys it would show is not what was asked for.
    let isBroken: Bool

    init(_ visit: Visit) {
        var address = Address(visit)
        search = address.text("search")
        state = address.choice("status") { State(rawValue: $0.string) }
        application = address.choice("application") { Identifier($0) }
        label = address.choice("label") { KeyLabel($0) }
        environment = address.choice("environment") { KeyEnvironment($0) }
        sort = address.choice("sort") { KeySort($0) } ?? .standard
        cursor = address.choice("cursor") { $0 }
        isBroken = address.isBroken
    }

    /// Whether it asks for all keys, from the first.
    var isPlain: Bool {
        !isBroken && search.isEmpty && state == nil && application == nil && label == nil && environment == nil
            && cursor == nil
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
        Address.path(
            Navigation.Place.keys.path,
            [
                ("search", search.string), ("status", state?.rawValue), ("application", application?.description),
                ("label", label?.text), ("environment", environment?.text),
                ("sort", sort == .standard ? nil : sort.text), ("cursor", cursor?.string),
            ])
    }

    /// The same from the first page on, with something changed.
    func changed(_ change: (inout KeysAddress) -> Void) -> KeysAddress {
        var other = self
        other.cursor = nil
        change(&other)
        return other
    }
}
