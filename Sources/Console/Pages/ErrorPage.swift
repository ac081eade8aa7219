import HTTP
import HTTPTypes
import Hummingbird
import Values
import Web

/// What happened, what to do next, and the name under which the server's log has it.
struct ErrorPage: View {
    let title: String
    let sentence: String
    /// The code of the API, which support may ask for.
    let code: String
    let requestID: String
    let back: String
    let backName: String
    /// What a form had sent, but for secrets: its labels and values.
    let typed: [Form.Carried]
    let hasTyped: Bool
}

extension Visit {
    /// Inside the frame of who is signed in.
    /// - Parameter form: what was sent in vain, which the page shows so that it is not lost.
    func errorPage(_ problem: Problem, typed form: Form? = nil) async throws -> Response {
        carrying(problem, try await page("error", view(problem, form), status: problem.status))
    }

    /// The same without a look at the database, which may be what has failed.
    func bareErrorPage(_ problem: Problem) throws -> Response {
        carrying(problem, try whole("error", view(problem, nil), Frame(self, nil), status: problem.status))
    }

    /// With the headers that go with a problem; none of them is about a page.
    private func carrying(_ problem: Problem, _ page: Response) -> Response {
        var page = page
        for name in [HTTPField.Name.retryAfter, .allow] { page.headers[name] = problem.headers[name] }
        return page
    }

    private func view(_ problem: Problem, _ form: Form?) -> ErrorPage {
        let kind: String =
            switch problem.status.code {
            case 403: "forbidden"
            case 404, 405: "absent"
            case 409: "conflict"
            case 429: "too_many"
            case 500...: "server"
            default: "request"
            }
        let typed = (form?.carried ?? []).filter { !$0.value.isEmpty && !Form.isMark($0.name) }.map {
            Form.Carried(name: label($0.name), value: $0.value)
        }
        let retryAfter = problem.headers[.retryAfter].flatMap { Int($0) }
        return ErrorPage(
            title: strings("error.\(kind)"), sentence: strings.sentence(problem.code, retryAfter: retryAfter),
            code: problem.code, requestID: context.requestID, back: LocalPath.start.text,
            backName: strings("error.back"), typed: typed, hasTyped: !typed.isEmpty)
    }

    /// What the field of that name is called on pages; its own name where several pages have one.
    private func label(_ name: String) -> String {
        let keys = ["field.\(name)", "application.\(name)", "parameter.\(name)"]
        return keys.lazy.compactMap { strings.all[$0] }.first ?? name
    }
}
