import Catalog
import Management
import Metering
import Values

/// The second step: what a month cost and what it would have cost, side by side, before anything is saved.
struct GroupPreviewPage: View {
    struct Row: View {
        let name: String
        /// What tells an account apart from others of its name.
        let hint: String?
        let calls: String
        let charged: String
        let wouldBe: String
        let change: String
        /// Of a thousand, of the longest bar.
        let chargedWidth: Int
        let wouldBeWidth: Int
    }

    struct MonthTab: View {
        let path: String
        let name: String
        let isCurrent: Bool
    }

    let path: String
    let name: String
    let againPath: String
    /// That something has changed since the preview that somebody wanted to save.
    let note: Note?
    let multiplier: String
    let cost: Rich
    let begins: String
    let beginsHelp: String
    let months: [MonthTab]
    let month: String
    let wouldBe: String
    let was: String
    let difference: Rich
    let rows: [Row]
    let isEmpty: Bool
    let none: String
    let chargedHead: String
    let wouldBeHead: String
    let total: Row
    /// What is saved: the fields of the draft and the basis.
    let fields: [Form.Carried]
    let button: String
}

extension Visit {
    func previewPage(
        _ preview: MultiplierPreview, _ draft: GroupDraft, _ form: Form, isOutdated: Bool
    ) -> GroupPreviewPage {
        let path = path(of: preview.group)
        let (sum, month) = (preview.preview.total, draft.month(at: formats.now))
        let carried = GroupDraft.names.filter(form.has).map { Form.Carried(name: $0, value: form.text($0).string) }
        func address(_ fields: [Form.Carried]) -> String {
            Address.path(path + "/multiplier", fields.map { ($0.name, $0.value) })
        }
        let shown = preview.preview.accounts
        let widest = shown.map { max($0.sum.charged, $0.sum.wouldBe) }.max() ?? .zero
        var rows = shown.map { account, sum in
            row(preview.names[account] ?? "", hint: "…" + account.description.suffix(8), sum, widest)
        }
        if let rest = rest(sum, shown.map(\.sum)) {
            rows.append(row(strings("preview.others"), hint: nil, rest, widest))
        }
        return GroupPreviewPage(
            path: path, name: preview.group.name,
            againPath: address(carried + [Form.Carried(name: "again", value: "yes")]),
            note: isOutdated ? Note(.bad, strings.rich("preview.outdated")) : nil,
            multiplier: times(preview.draft),
            cost: strings.rich(
                "preview.cost",
                [
                    "price": formats.credits(Price.standard.credits), "cost": cost(preview.draft),
                    "now": cost(preview.current),
                ]),
            begins: preview.effectiveAt.map(formats.exact) ?? strings("group.begin_now"),
            beginsHelp: beginsHelp(preview.effectiveAt), months: months(address, carried, draft),
            month: strings("preview.month", ["month": formats.month(month)]), wouldBe: formats.credits(sum.wouldBe),
            was: strings("preview.was", ["charged": formats.credits(sum.charged)]),
            difference: difference(preview), rows: rows, isEmpty: sum.calls == 0,
            none: strings("preview.none", ["month": formats.month(month)]), chargedHead: strings("preview.charged"),
            wouldBeHead: strings("preview.would_be", ["times": times(preview.draft)]),
            total: row(strings("preview.all"), hint: nil, sum, max(sum.charged, sum.wouldBe)),
            fields: carried + [Form.Carried(name: "basis", value: preview.basis.text)],
            button: strings(preview.effectiveAt == nil ? "preview.save_now" : "preview.save"))
    }

    private func months(
        _ address: ([Form.Carried]) -> String, _ carried: [Form.Carried], _ draft: GroupDraft
    ) -> [GroupPreviewPage.MonthTab] {
        let this = Month(of: formats.now)
        let others = carried.filter { $0.name != "month" }
        return [(false, "last", Month(number: this.number - 1)), (true, "this", this)].map { isThis, value, month in
            GroupPreviewPage.MonthTab(
                path: address(others + [Form.Carried(name: "month", value: value)]), name: formats.name(month),
                isCurrent: isThis == draft.isOfThisMonth)
        }
    }

    private func row(
        _ name: String, hint: String?, _ sum: PricingPreview.Sum, _ widest: Credits
    ) -> GroupPreviewPage.Row {
        GroupPreviewPage.Row(
            name: name, hint: hint, calls: formats.number(Int(sum.calls)), charged: formats.credits(sum.charged),
            wouldBe: formats.credits(sum.wouldBe),
            change: sum.wouldBe.subtracting(sum.charged).map(formats.signed) ?? "",
            chargedWidth: sum.charged.share(of: widest, in: 1000), wouldBeWidth: sum.wouldBe.share(of: widest, in: 1000)
        )
    }

    /// What is of accounts that the preview does not list.
    private func rest(_ total: PricingPreview.Sum, _ listed: [PricingPreview.Sum]) -> PricingPreview.Sum? {
        var rest = total
        for sum in listed {
            guard let charged = rest.charged.subtracting(sum.charged), let would = rest.wouldBe.subtracting(sum.wouldBe)
            else { return nil }
            (rest.calls, rest.charged, rest.wouldBe) = (rest.calls - sum.calls, charged, would)
        }
        return rest.calls > 0 ? rest : nil
    }

    /// `−2,472 credits, −12.5%, over 1,236 calls`
    private func difference(_ preview: MultiplierPreview) -> Rich {
        let sum = preview.preview.total
        let calls = Int(sum.calls)
        let sign = preview.difference.micro < 0 ? "−" : "+"
        let share = Self.thousandths(preview.difference, of: sum.charged).map { sign + formats.share($0) }
        let values = ["credits": formats.signed(preview.difference), "share": share ?? ""]
        let key = share == nil ? "preview.difference_only" : "preview.difference"
        return strings.rich(key, values).followed(
            by: strings.count("preview.over", calls, shown: formats.number(calls)))
    }

    /// How much an amount is of another, without its sign; `nil` of nothing, and where it can't be said.
    private static func thousandths(_ amount: Credits, of whole: Credits) -> Int? {
        guard whole.micro > 0 else { return nil }
        let (high, low) = amount.micro.magnitude.multipliedFullWidth(by: 1000)
        guard high < whole.micro.magnitude else { return nil }
        return Int(exactly: whole.micro.magnitude.dividingFullWidth((high, low)).quotient)
    }

    private func beginsHelp(_ time: Timestamp?) -> String {
        guard let time else { return strings("preview.begins_now") }
        let wait = strings("preview.begins_in", ["wait": strings.wait(Int(max(0, time.seconds - formats.now.seconds)))])
        return formats.local(time).map { strings("preview.yours", ["time": $0]) + " " + wait } ?? wait
    }
}
