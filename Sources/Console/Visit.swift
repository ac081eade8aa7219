import Accounts
import Database
import Entrance
import HTTP
import HTTPTypes
import Hummingbird
import Management
import Metering
import NIOCore
import Secrets
import Synchronization
import Values
import Web

/// One request for a page: who asks, and how they want to read.
struct Visit: Sendable {
    let console: Console
    let request: Request
    let context: WebContext
    let caller: Caller
    let preferences: Preferences
    let strings: Strings
    let formats: Formats
    /// A token that the session goes on under, once the person has proved again who they are.
    private let renewed = Renewed()
    private final class Renewed: Sendable { let token = Mutex<Secret?>(nil) }

    init(console: Console, request: Request, context: WebContext, caller: Caller) {
        self.console = console
        self.request = request
        self.context = context
        self.caller = caller
        preferences = Preferences(request.headers)
        guard let strings = console.catalogues[preferences.language] else {
            preconditionFailure("every language has one")
        }
        self.strings = strings
        formats = Formats(strings: strings, zone: preferences.zone, now: console.clock.now())
    }

    var management: Management { console.management }

    /// The person's account.
    func account() throws -> Identifier {
        guard let actor = caller.actor else { throw Refusal.unauthenticated(presented: false) }
        return actor.account
    }

    /// Whether the person may do something; the operation asks again.
    func may(_ operation: Operation) -> Bool {
        (try? management.check(operation, caller, in: caller.actor?.account)) != nil
    }

    /// An identifier in the path. What is no identifier names nothing.
    func identifier(_ name: String) throws(Problem) -> Identifier {
        guard let id = context.parameters.get(name).flatMap({ Identifier($0) }) else { throw Problem.notFound }
        return id
    }

    /// A parameter of the address; `nil` when it is absent or longer than any that we make.
    func query(_ name: String) -> Text? {
        guard let value = request.uri.queryParameters[name[...]].map({ Text($0) }), value.utf8.count <= 2048 else {
            return nil
        }
        return value
    }

    // MARK: Answers

    /// The session goes on under this token.
    func renew(_ token: Secret) { renewed.token.withLock { $0 = token } }

    /// The same answer, with the session that a proof has renewed.
    func kept(_ answer: Response) -> Response {
        guard let token = renewed.token.withLock({ $0 }) else { return answer }
        var answer = answer
        answer.headers[values: .setCookie].append(SessionCookie.setting(token))
        return answer
    }

    /// A whole page.
    /// - Parameters:
    ///   - template: its name in `Templates`, without ending.
    ///   - place: the entry of the navigation that it belongs to.
    func page(
        _ template: String, _ view: some View, in place: Navigation.Place? = nil, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let flash = Flash(request.headers)
        var frame = Frame(self, place)
        if let actor = caller.actor {
            let details = try await management.getAccount(caller, actor.account)
            frame.person = Frame.Person(
                email: actor.user.email, account: details.account.name,
                balance: formats.credits(details.balance.amount), calls: await calls(for: details.balance.available))
        }
        frame.said = flash.map { strings("flash." + $0.kind.rawValue) }
        var response = try whole(template, view, frame, status: status)
        if flash != nil { response.headers[values: .setCookie].append(Flash.clearing) }
        return response
    }

    /// What an amount is in calls; `nil` where models differ in what they cost, or there is none.
    private func calls(for amount: Credits) async -> String? {
        guard let offers = try? await management.listModels(caller, Page(limit: Page.limits.upperBound)),
            offers.next == nil, let cost = offers.items.first?.cost, cost.micro > 0,
            offers.items.allSatisfy({ $0.cost == cost })
        else { return nil }
        let count = Int(amount.micro / cost.micro)
        return strings.count("nav.calls_at", count, shown: formats.number(count), ["cost": formats.credits(cost)])
    }

    /// On to another page (303), or to it by the script of the dialog that asks.
    /// - Parameter flash: what the next page says once.
    func see(_ path: String, _ flash: Flash? = nil) -> Response {
        let isDialog = request.headers[.inDialog] != nil
        var headers: HTTPFields = [isDialog ? .goingTo : .location: path, .cacheControl: "no-store"]
        if let flash { headers[.setCookie] = flash.setting }
        return Response(status: isDialog ? .noContent : .seeOther, headers: headers)
    }

    /// A page without a look at the database.
    func whole(
        _ template: String, _ view: some View, _ frame: Frame, status: HTTPResponse.Status
    ) throws -> Response {
        var values = Node.fields(Mirror(reflecting: view))
        values["frame"] = Node.of(frame)
        values["csrf"] = caller.actor?.session.map { FormToken.masked($0.csrfToken, console.entropy) } ?? ""
        values["once"] = console.entropy.bytes(12).map { String($0, radix: 36) }.joined()
        values["next"] = Node.of(request.uri.string)
        let html = try console.templates.page(template, values, strings)
        return Self.answer(ByteBuffer(string: html), status, isCompressed: Gzip.isAccepted(request.headers))
    }

    private static func answer(_ html: ByteBuffer, _ status: HTTPResponse.Status, isCompressed: Bool) -> Response {
        var headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .contentSecurityPolicy: policy,
            // Without it a browser wouldn't tell where our own forms come from.
            .referrerPolicy: "same-origin", .crossOriginOpenerPolicy: "same-origin",
            .vary: "Accept-Encoding, Accept-Language, Cookie",
        ]
        if status == .unauthorized { headers[.wwwAuthenticate] = BearerCredential.challenge(presented: false) }
        guard isCompressed, let compressed = Gzip.compressed(html) else {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: html))
        }
        headers[.contentEncoding] = "gzip"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: compressed))
    }

    /// Our own stylesheet, script and pictures, our own forms, and nothing in line.
    private static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

extension HTTPField.Name {
    static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")!
    /// Sent by our script with a form that is shown in a dialog.
    static let inDialog = HTTPField.Name("Console-Dialog")!
    /// Where the script then goes, when the form was taken.
    static let goingTo = HTTPField.Name("Console-Location")!
}
