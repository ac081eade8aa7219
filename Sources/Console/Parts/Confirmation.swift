import Accounts
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Values
import Web

/// What is asked before something is done that takes power from somebody or gives it: a sheet with its consequences, and
/// the person's password where that is needed.
struct Confirmation: View {
    let title: String
    let lead: String
    let action: String
    let backPath: String
    /// What stays as it is when nothing is done.
    let keep: String
    let button: String
    /// The last step of what can't be undone.
    let isDanger: Bool
    let fields: [Field]
    let failure: String?
}

extension Visit {
    /// Throws the refusal of who may not do something even after a proof of who they are.
    /// - Parameter account: the one that it is about; `nil` for the person's own.
    func allow(_ operation: Operation, in account: Identifier? = nil) throws(Refusal) {
        do {
            try management.check(operation, caller, in: account ?? caller.actor?.account)
        } catch {
            guard error.code == .reauthenticationRequired else { throw error }
        }
    }

    /// Whether the person may do something, if need be after a proof.
    func mayProved(_ operation: Operation) -> Bool { (try? allow(operation)) != nil }

    /// Does what a form asks for once its proof is good, and shows the form again with what is wrong with it otherwise.
    /// - Parameters:
    ///   - isGood: whether the fields of the form keep their rules; else nothing is asked.
    ///   - again: the form, with its faults.
    ///   - work: as the caller who is fresh now.
    func proving(
        _ form: Form, isGood: Bool = true, names: [String: String] = [:],
        again: (Form, HTTPResponse.Status) async throws -> Response,
        _ work: (Caller) async throws -> Response
    ) async throws -> Response {
        var form = form
        guard isGood, form.isGood, let caller = try await proved(&form) else {
            return try await again(form, .badRequest)
        }
        do {
            return try await work(caller)
        } catch let refusal as Refusal where refusal.problem.status.kind == .clientError && refusal.code != .notFound {
            form.note(refusal, names: names)
            return try await again(form, refusal.problem.status)
        }
    }
}
