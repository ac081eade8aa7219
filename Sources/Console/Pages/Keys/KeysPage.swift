import Applications
import Credentials
import Database
import Hummingbird
import Management
import Metering
import Policy
import Values
import Web

import struct Applications.Application

/// The keys of the account.
struct KeysPage: View {
    struct Row: View {
        let id: String
        let path: String
        let name: String
        let hint: String
        let door: Door
        let environment: String?
        let status: Status
        let quota: Quota?
        /// Of a key without limits.
        let monthUsed: String
        let expiry: Moment?
        let expiryClock: String
        let addresses: String
        let lastUsed: Moment?
        let isNew: Bool
        let isRevealable: Bool
        let mayWrite: Bool
    }

    struct Choice: View {
        let value: String
        let name: String
        let isChosen: Bool
    }

    /// One of the states, as a link.
    struct Segment: View {
        let path: String
        let name: String
        let isCurrent: Bool
    }

    let lead: String
    let notes: [Note]
    let rows: [Row]
    let search: String
    let searchFault: String?
    /// Of what was chosen in the address.
    let choiceFault: String?
    let segments: [Segment]
    /// The state that a search keeps.
    let state: String?
    /// What a search keeps, though it has no field for it: a label or an environment, with the way to drop it.
    let label: String?
    let environment: String?
    let narrowedTo: String?
    let allPath: String
    let applications: [Choice]
    let sorts: [Choice]
    let firstPath: String?
    let nextPath: String?
    let foot: String
    let zone: String
    let isEmpty: Bool
    let hasRows: Bool
    let hasApplications: Bool
    let mayWrite: Bool
    /// Where the rules for keys are; `nil` for who may not change them.
    let rulesPath: String?
}

extension Console {
    func declareKeys(_ routes: inout Routes) {
        page(&routes, "/keys", for: .listCredentials) { visit in try await visit.keysPage() }
        declareKeyRules(&routes)
        declareKeyCreation(&routes)
        declareKey(&routes)
        declareKeySteps(&routes)
    }
}

extension Visit {
    /// A page of the list has as many as an account can have without expired ones.
    private static let rows = 20

    fileprivate func keysPage() async throws -> Response {
        let address = KeysAddress(self)
        var listing: KeyListing?
        var fault: String?
        do {
            let question = try address.question()
            if !address.isBroken {
                listing = try await management.listCredentials(
                    caller, question, limit: Self.rows, cursor: address.cursor)
            }
        } catch is KeysAddress.InvalidSearch {
            fault = strings.rule(KeySearch.refusal(of: address.search))
        } catch let refusal as Refusal where refusal.fields.contains(where: { $0.field == "search" }) {
            fault = strings.rule(refusal.fields[0].rule)
        } catch let refusal as Refusal where refusal.fields.contains(where: { $0.field == "cursor" }) {
            return see(address.changed { _ in }.path)
        }
        let keys = listing?.items ?? []
        let (all, found) = try await applications(of: keys)
        let slots = try await management.keySlots(caller)
        let costs = try await KeyCosts(self)
        let trends = try await refusalTrends(at: formats.now)
        let marked = Flash(request.headers)?.id
        let mayWrite = may(.createCredential)
        let rows = keys.map { key in
            let app = found[key.credential.application]
            return row(
                key, app, trends[key.credential.id], cost: costs.cost(in: app, group: key.credential.terms.group),
                isNew: key.credential.id == marked, mayWrite: mayWrite)
        }
        let narrowed = address.label?.text ?? address.environment.map { environment($0.text) }
        let view = KeysPage(
            lead: strings(
                "keys.lead",
                [
                    "live": formats.number(slots.live), "cap": formats.number(slots.cap),
                    "left": formats.number(slots.creationsLeft),
                ]),
            notes: mayWrite ? notes(on: keys, slots) : [], rows: rows,
            // A key that somebody searches for is not shown again.
            search: fault == nil ? address.search.string : "", searchFault: fault,
            choiceFault: address.isBroken ? strings("keys.fault") : nil, segments: segments(address),
            state: address.state?.rawValue, label: address.label?.text, environment: address.environment?.text,
            narrowedTo: narrowed,
            allPath: address.changed { ($0.label, $0.environment) = (nil, nil) }.path,
            applications: [KeysPage.Choice(value: "", name: strings("keys.all_apps"), isChosen: false)]
                + all.map {
                    KeysPage.Choice(
                        value: $0.id.description, name: $0.name, isChosen: $0.id == address.application)
                },
            sorts: KeysAddress.sorts.map {
                KeysPage.Choice(
                    value: $0.text, name: strings("keys.sort." + $0.field.rawValue), isChosen: $0 == address.sort)
            },
            firstPath: address.cursor == nil ? nil : address.changed { _ in }.path,
            nextPath: listing?.next.map { next in address.changed { $0.cursor = Text(next.text) }.path },
            foot: strings(
                "keys.foot",
                [
                    "keys": strings.count("keys.count", rows.count, shown: formats.number(rows.count)),
                    "time": formats.clock(formats.now),
                ]),
            zone: formats.local(formats.now) == nil ? strings("keys.zone_none") : strings("keys.zone"),
            isEmpty: rows.isEmpty && address.isPlain && listing?.next == nil, hasRows: !rows.isEmpty,
            hasApplications: !all.isEmpty, mayWrite: mayWrite,
            rulesPath: mayProved(.updateKeyPolicy) ? KeyRules.path : nil)
        return try await page("keys", view, in: .keys, status: fault == nil && !address.isBroken ? .ok : .badRequest)
    }

    private func row(
        _ key: KeyDetails, _ app: Application?, _ trend: RefusalTrend?, cost: Credits?, isNew: Bool, mayWrite: Bool
    ) -> KeysPage.Row {
        let credential = key.credential
        return KeysPage.Row(
            id: "key-\(credential.id)", path: "/console/keys/\(credential.id)", name: name(of: key),
            hint: credential.hint, door: Door(app?.name ?? "·"),
            environment: credential.environment.map(environment), status: status(of: key, trend),
            quota: quota(of: key, cost: cost),
            monthUsed: strings("key.month_used_unlimited", ["credits": formats.credits(key.meter.month.posted)]),
            expiry: credential.terms.expiresAt.map(formats.dated),
            expiryClock: credential.terms.expiresAt.map(formats.clock) ?? "", addresses: addresses(of: key),
            lastUsed: credential.lastUsedAt.map(formats.moment), isNew: isNew,
            isRevealable: credential.reveal == .available, mayWrite: mayWrite)
    }

    private func segments(_ address: KeysAddress) -> [KeysPage.Segment] {
        ([nil] + KeysAddress.State.allCases).map { state in
            KeysPage.Segment(
                path: address.changed { $0.state = state }.path,
                name: strings(state.map { "key." + $0.rawValue } ?? "keys.all"), isCurrent: state == address.state)
        }
    }

    /// What somebody has to act on.
    private func notes(on keys: [KeyDetails], _ slots: KeySlots) -> [Note] {
        var notes: [Note] = []
        if let leaked = keys.first(where: { $0.credential.leakReportedAt != nil }) {
            let isOff = leaked.status == .disabled
            notes.append(
                Note(
                    .bad, strings.rich(isOff ? "keys.leaked_off" : "keys.leaked_on", ["name": name(of: leaked)]),
                    path: "/console/keys/\(leaked.credential.id)/rotate", button: strings("keys.replace")))
        }
        if slots.creationsLeft == 0 {
            let seconds = Int(formats.now.seconds(toEndOf: formats.now.day))
            notes.append(Note(.warn, strings.rich("keys.no_creations", ["wait": strings.wait(seconds)])))
        } else if slots.live >= slots.cap {
            notes.append(Note(.warn, strings.rich("keys.no_slots", ["cap": formats.number(slots.cap)])))
        }
        return notes
    }
}
