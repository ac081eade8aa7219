import Applications
import Credentials
import Database
import HTTPTypes
import Hummingbird
import Management
import Metering
import NIOCore
import Policy
import Secrets
import Values
import Web

import struct Applications.Application

/// The box on an app's page that calls it, with a key of the person's choice.
///
/// The call is made by the script, as a program makes it: at the app's own address, with the key as its bearer. So all
/// that happens is what happens to a program. No page has the key's secret: the person pastes it, or types their password
/// for a key that can be shown again.
struct TryBox: View {
    struct Key: View {
        let id: String
        /// Its name, its hint, and what is left of it or why it is off.
        let text: String
        /// Of its secrets, by which one that is pasted is known.
        let hints: String
        let path: String
        /// Where its secret is shown again; `nil` for a key that was shown once.
        let revealPath: String?
        /// Of a call; `nil` where there is no price.
        let cost: String?
        let isChosen: Bool
    }

    /// What a refusal means, and the next step.
    struct Refused: View {
        let code: String
        let sentence: String
        let step: String
        /// The step is taken on the key's page.
        let isOfKey: Bool
    }

    /// The app's own, where a key of another app is refused.
    let address: String
    let passPath: String
    let name: String
    let say: String
    let choices: [Key]
    let refusals: [Refused]
    let hasChoices: Bool
}

extension Console {
    /// A pass for the call that the script is about to make; see `PagePasses`.
    func declareTryPass(_ routes: inout Routes) {
        page(&routes, "/applications/{application_id}/pass", for: .getApplication) { visit in
            let id = try visit.identifier("application_id")
            _ = try await management.getApplication(visit.caller, id)
            return Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: passes.issue(at: clock.now()))))
        }
    }
}

extension Visit {
    /// - Parameter keys: those that open the app.
    func tryBox(_ application: Application, _ keys: [KeyDetails]) async throws -> TryBox {
        let costs = try await KeyCosts(self)
        let mayReveal = may(.updateCredential)
        let active = keys.filter { $0.status == .active }
        let chosen = active.first { $0.credential.reveal == .available } ?? active.first ?? keys.first
        let path = "/console/applications/\(application.id)"
        return TryBox(
            address: "/apps/\(application.id)/v1/chat/completions", passPath: path + "/pass", name: application.name,
            say: strings("try.say", ["app": application.name]),
            choices: keys.map { key in
                let credential = key.credential
                let cost = costs.cost(in: application, group: credential.terms.group)
                let hints = [credential.secret.hint, credential.retiring?.hint].compactMap(\.self)
                let keyPath = "/console/keys/\(credential.id)"
                return TryBox.Key(
                    id: credential.id.description, text: text(of: key, cost), hints: hints.joined(separator: " "),
                    path: keyPath,
                    revealPath: mayReveal && credential.reveal == .available ? keyPath + "/reveal" : nil,
                    cost: cost.map { strings("try.cost", ["credits": formats.credits($0)]) },
                    isChosen: credential.id == chosen?.credential.id)
            },
            refusals: refusals, hasChoices: !keys.isEmpty)
    }

    /// As an option of a list, which has no markup: so the name is isolated by characters (UAX #9 §2.4).
    private func text(of key: KeyDetails, _ cost: Credits?) -> String {
        let status = status(of: key)
        let state =
            key.status == .active
            ? quota(of: key, cost: cost)?.left ?? strings("try.unlimited")
            : strings("try.off", ["word": status.word, "reason": status.reason ?? ""])
        return strings(
            "try.option",
            ["name": "\u{2068}\(name(of: key))\u{2069}", "hint": key.credential.hint, "state": state])
    }

    private var refusals: [TryBox.Refused] {
        let denials = Denial.allCases.map { denial in
            TryBox.Refused(
                code: denial.rawValue, sentence: strings.denial(denial.rawValue),
                step: strings("try.step." + denial.rawValue), isOfKey: TryBox.ofKey.contains(denial))
        }
        return denials
            + TryBox.others.map { code in
                TryBox.Refused(
                    code: code, sentence: strings("try.refused." + code), step: strings("try.step." + code),
                    isOfKey: false)
            }
    }
}

extension TryBox {
    /// Denials that go away by a change of the key.
    static let ofKey: Set<Denial> = [
        .keyExpired, .keyDisabled, .ipNotAllowed, .hostNotAllowed, .modelNotAllowed, .monthlyLimitReached,
        .creditLimitReached,
    ]

    /// Codes of the data plane beside the denials; the last one stands for all that have no words of their own.
    static let others = [
        "context_length_exceeded", "content_refused", "upstream_rate_limited", "storage_failed", "internal_error",
        "other",
    ]
}
