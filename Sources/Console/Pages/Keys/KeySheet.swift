import Applications
import Credentials
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values

/// A step that is taken with one's password: to see a secret again, to replace or end one, to delete the key.
struct KeySheet: View {
    struct Fact: View {
        let name: String
        let door: Door?
        let value: String
        let more: String?
    }

    struct Overlap: View {
        let value: String
        let name: String
        let isChosen: Bool
    }

    let title: String
    let lead: String
    let action: String
    let backPath: String
    let failure: String?
    let facts: [Fact]
    let hasFacts: Bool
    let note: Note?
    let overlaps: [Overlap]
    let hasOverlaps: Bool
    let overlapFault: String?
    /// To be typed before a deletion.
    let name: Field?
    let proof: [Field]
    let button: String
    let isDangerous: Bool
}

/// What a key sheet is for.
enum KeyStep: String {
    case reveal, rotate, retire, delete

    /// How long the old secret goes on beside the new one, in seconds.
    static let overlaps = [0, 3600, 86_400, 604_800, 2_592_000]
}

extension Visit {
    /// Whether the person has proved lately who they are, so that a step needs no password.
    var isFresh: Bool { may(.rotateCredential) }

    /// What is typed to delete a key: its name, or the hint of one without a name.
    func typedName(of key: KeyDetails) -> String {
        key.credential.name.isEmpty ? key.credential.hint : key.credential.name
    }

    func keySheet(
        _ step: KeyStep, _ form: Form, of key: KeyDetails, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let credential = key.credential
        let facts = step == .delete || step == .retire ? try await facts(step, key) : []
        let chosen =
            form.has("overlap") ? form.text("overlap").string : credential.leakReportedAt == nil ? "86400" : "0"
        let view = KeySheet(
            title: strings("\(step.rawValue).title", ["name": name(of: key)]), lead: strings("\(step.rawValue).lead"),
            action: request.uri.path, backPath: "/console/keys/\(credential.id)", failure: form.failure, facts: facts,
            hasFacts: !facts.isEmpty, note: step == .retire ? retireNote(key) : nil,
            overlaps: step == .rotate
                ? KeyStep.overlaps.map {
                    KeySheet.Overlap(
                        value: String($0), name: strings("rotate.overlap_\($0)"), isChosen: String($0) == chosen)
                } : [],
            hasOverlaps: step == .rotate, overlapFault: form.faults["overlap"],
            name: step == .delete
                ? form.field(
                    "name", label: strings("application.type_name", ["name": typedName(of: key)]), hasFocus: true)
                : nil,
            proof: stepProof(step, form), button: strings("\(step.rawValue).button"), isDangerous: step == .delete)
        return try await page("key-sheet", view, in: .keys, status: status)
    }

    /// To see a secret takes the password each time, and so does a deletion; the others go with a fresh proof.
    private func stepProof(_ step: KeyStep, _ form: Form) -> [Field] {
        switch step {
        case .delete: proofFields(form)
        case .reveal: isFresh ? Array(proofFields(form).prefix(1)) : proofFields(form)
        case .rotate, .retire: isFresh ? [] : proofFields(form)
        }
    }

    private func facts(_ step: KeyStep, _ key: KeyDetails) async throws -> [KeySheet.Fact] {
        let credential = key.credential
        func fact(_ name: String, _ value: String, door: Door? = nil, more: String? = nil) -> KeySheet.Fact {
            KeySheet.Fact(name: strings(name), door: door, value: value, more: more)
        }
        func used(_ time: Timestamp?) -> KeySheet.Fact {
            guard let time else { return fact("keys.last_used", strings("key.never")) }
            let moment = formats.moment(time)
            return fact("keys.last_used", moment.text, more: formats.exact(time))
        }
        guard step == .delete else {
            return [
                fact("retire.ends", credential.retiring?.hint ?? ""), used(credential.retiring?.lastUsedAt),
                fact("retire.stays", credential.secret.hint),
            ]
        }
        let application = try await management.getApplication(caller, credential.application)
        let calls = try await management.countCalls(caller, of: credential.id)
        let hints = [credential.secret.hint, credential.retiring?.hint].compactMap(\.self)
        return [
            fact("delete.stops", application.name, door: Door(application.name)), used(credential.lastUsedAt),
            fact("delete.calls", count(calls)), fact("delete.secrets", hints.joined(separator: ", ")),
        ]
    }
}
