import Catalog
import Database
import Management
import Metering
import Values

/// The fields that the ledger is narrowed with, each as it was chosen.
struct LedgerChoices: View {
    let from: String
    let until: String
    /// What they are when nothing is typed.
    let first: String
    let last: String
    let lists: [ChoiceList]

    init(_ filter: LedgerChoice, in month: Month, _ models: [String], _ names: Names, _ visit: Visit) {
        let strings = visit.strings
        from = filter.typed.from.string
        until = filter.typed.until.string
        first = visit.formats.day(month.days.lowerBound)
        last = visit.formats.day(month.days.upperBound)
        var models = models
        // One that has been deleted, or comes after the first hundred.
        if let chosen = filter.model?.text, !models.contains(chosen) { models.append(chosen) }
        lists = [
            ChoiceList(
                "application", strings("usage.application"), all: strings("ledger.all_applications"),
                names.applications.map { ($0.id.description, $0.name.text) }, chosen: filter.application?.description,
                gone: names.application(filter.application).text),
            ChoiceList(
                "credential", strings("usage.key"), all: strings("ledger.all_keys"),
                names.keys.map { ($0.id.description, $0.name.text + " " + ($0.name.hint ?? "")) },
                chosen: filter.key?.description, gone: names.key(filter.key).text),
            ChoiceList(
                "model", strings("usage.model"), all: strings("ledger.all_models"), models.map { ($0, $0) },
                chosen: filter.model?.text),
            ChoiceList(
                "kind", strings("ledger.kind"), all: strings("ledger.all_kinds"),
                LedgerEntry.Kind.allCases.map { ($0.rawValue, strings("ledger.\($0.rawValue)")) },
                chosen: filter.kind?.rawValue),
        ]
    }
}

/// One list of which one or all can be chosen, for the partial `choice`.
struct ChoiceList: View {
    struct Option: View {
        let value: String
        let name: String
        let isChosen: Bool
    }

    let name: String
    let label: String
    /// For no choice.
    let all: String
    let options: [Option]

    /// - Parameter gone: how to call a choice that is in the list no more.
    init(
        _ name: String, _ label: String, all: String, _ options: [(value: String, name: String)], chosen: String?,
        gone: String? = nil
    ) {
        self.name = name
        self.label = label
        self.all = all
        var options = options
        if let chosen, !options.contains(where: { $0.value == chosen }) { options.append((chosen, gone ?? chosen)) }
        self.options = options.map { Option(value: $0.value, name: $0.name, isChosen: $0.value == chosen) }
    }
}
