import Catalog
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import NIOCore
import Values
import Web

/// The first step to another multiplier: which one, and from when on.
struct GroupDraftPage: View {
    struct Begin: View {
        let value: String
        let name: String
        let isChosen: Bool
    }

    let path: String
    let name: String
    let now: String
    let multiplier: Field
    let begins: [Begin]
    let effectiveAt: Field
    let zone: String
    let failure: String?
}

extension Console {
    func declareGroupDraft(_ routes: inout Routes) {
        // A preview changes nothing, so it has an address of its own, which can be loaded again and sent on.
        page(&routes, "/groups/{group}/multiplier", for: .previewMultiplier) { visit in
            let details = try await management.getGroup(visit.caller, visit.groupName())
            var form = try Form(ByteBuffer(string: visit.request.uri.query ?? ""), visit.strings)
            guard form.has("multiplier") else { return try await visit.draftPage(form, of: details) }
            let draft = GroupDraft(&form, visit.strings)
            guard !form.has("again") else { return try await visit.draftPage(form, of: details) }
            return try await visit.preview(draft, &form, of: details, isOutdated: false)
        }

        form(&routes, "/groups/{group}/multiplier", for: .createMultiplier) { visit, form in
            var form = form
            let details = try await management.getGroup(visit.caller, visit.groupName())
            let draft = GroupDraft(&form, visit.strings)
            // Without the basis of a preview nothing is saved: it is shown first.
            guard form.isGood, let multiplier = draft.multiplier, let effectiveAt = draft.effectiveAt,
                let basis = PreviewBasis(form.text("basis"))
            else { return try await visit.preview(draft, &form, of: details, isOutdated: false) }
            do {
                let made = try await management.createMultiplier(
                    visit.caller, multiplier, of: visit.groupName(), effectiveAt: effectiveAt, basis: basis)
                return visit.see("\(visit.path(of: details.group))#version-\(made.id)", Flash(.created, made.id))
            } catch let refusal as Refusal where refusal.code == .previewOutdated {
                let now = try await management.getGroup(visit.caller, visit.groupName())
                return try await visit.preview(draft, &form, of: now, isOutdated: true)
            } catch let refusal as Refusal where refusal.problem.status.kind == .clientError {
                form.noteOfDraft(refusal, visit.strings)
                return try await visit.draftPage(form, of: details, status: refusal.problem.status)
            }
        }
    }
}

extension Visit {
    /// The preview of a draft; the first step again, where there can't be one.
    fileprivate func preview(
        _ draft: GroupDraft, _ form: inout Form, of details: GroupDetails, isOutdated: Bool
    ) async throws -> Response {
        guard form.isGood, let multiplier = draft.multiplier, let effectiveAt = draft.effectiveAt else {
            return try await draftPage(form, of: details, status: .badRequest)
        }
        do {
            let preview = try await management.previewMultiplier(
                caller, multiplier, of: groupName(), over: .month(draft.month(at: formats.now)),
                effectiveAt: effectiveAt)
            return try await page(
                "group-preview", previewPage(preview, draft, form, isOutdated: isOutdated), in: .groups,
                status: isOutdated ? .conflict : .ok)
        } catch let refusal as Refusal where refusal.problem.status.kind == .clientError && refusal.code != .notFound {
            form.noteOfDraft(refusal, strings)
            return try await draftPage(form, of: details, status: refusal.problem.status)
        }
    }

    fileprivate func draftPage(
        _ form: Form, of details: GroupDetails, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let next = Day(Month(number: Month(of: formats.now).number + 1).text + "-01")?.start ?? formats.now
        let choices = [
            ("now", strings("group.begin_now")), (KeyExpiry.text(next), formats.exact(next)),
            ("date", strings("group.begin_date")),
        ]
        let given = form.text("begin").string
        let chosen = choices.contains { $0.0 == given } ? given : form.has("begin") ? "date" : KeyExpiry.text(next)
        let view = GroupDraftPage(
            path: path(of: details.group), name: details.group.name,
            now: strings(
                "group.draft_lead", ["times": times(details.multiplier), "cost": cost(details.multiplier)]),
            multiplier: form.field(
                "multiplier", value: details.multiplier?.decimal ?? "", label: strings("group.multiplier"),
                help: strings("group.multiplier_help"), hasFocus: true),
            begins: choices.map { GroupDraftPage.Begin(value: $0.0, name: $0.1, isChosen: $0.0 == chosen) },
            effectiveAt: form.field(
                "effective_at", value: KeyExpiry.text(next), label: strings("group.begin_at"), type: "datetime-local",
                isOptional: true),
            zone: formats.offset(at: formats.now).map { strings("key.date_zone", ["offset": $0]) }
                ?? strings("key.date_utc"),
            failure: form.failure)
        return try await page("group-draft", view, in: .groups, status: status)
    }
}

extension Form {
    /// Why a draft can't be, in words that its form has.
    fileprivate mutating func noteOfDraft(_ refusal: Refusal, _ strings: Strings) {
        if refusal.fields.contains(where: { $0.field == "effective_at" }) {
            note("effective_at", strings("invalid.begun"))
        } else {
            note(refusal)
        }
    }
}
