import Accounts
import HTTPTypes
import JSON
import Secrets
import TestSupport
import Testing
import Values

/// What the JSON API itself is for: who calls, bodies into drafts, refusals into statuses. Rules and permissions are
/// tested where they stand.
@Suite("The management API in process")
struct RouterTests {
    private let router: ManagementRouter
    private let admin: User
    /// A token of the operator with every scope.
    private let token: String

    init() async throws {
        router = ManagementRouter(try ManagementHouse())
        admin = try await router.house.operators()
        token = try await router.house.token(Scope.allCases, of: admin).exposed()
    }

    /// Cookie and token against forged requests of somebody who has just signed in.
    private func signIn() async throws -> (cookie: String, csrf: String) {
        let body = #"{"email":"\#(admin.email)","password":"\#(ManagementHouse.password)"}"#
        let answer = try await router.call(.post, "/api/v1/sessions", json: body)
        #expect(answer.status == 201)
        let cookie = try #require(answer.headers[.setCookie]?.split(separator: ";").first)
        let csrf = try #require(answer.body?.object?["csrf_token"]?.string)
        return (String(cookie), csrf.string)
    }

    @Test("an app and a key come back as they were asked for, and nothing is kept by anybody on the way")
    func drafts() async throws {
        let app = try await router.call(
            .post, "/api/v1/applications", json: #"{"name":"Cat","kind":"chat","model":"echo","system_prompt":"Meow"}"#,
            token: token)
        #expect(app.status == 201 && app.headers[.cacheControl] == "no-store")
        let id = try #require(app.body?.object?["id"]?.string)
        let key = try await router.call(
            .post, "/api/v1/credentials",
            json: #"""
                {"application_id":"\#(id)","name":"k","limited_amount":1.5,"ip_allowlist":["192.0.2.7/24"],
                 "host":"App.Example.com","expired_at":"2027-01-01T00:00:00+01:00"}
                """#, token: token)
        let fields = try #require(key.body?.object)
        #expect(key.status == 201)
        #expect(fields["limited_amount"] == .number(JSONNumber(Credits(micro: 1_500_000))))
        #expect(fields["ip_allowlist"] == ["192.0.2.0/24"] && fields["host"] == "app.example.com")
        #expect(fields["expired_at"] == "2026-12-31T23:00:00.000000Z" && fields["status"] == "active")
    }

    @Test(
        "what a draft can't be is refused by the name of its field",
        arguments: [
            (#"{"name":"a","kind":"chat","model":"echo","owner":1}"#, "owner"),
            (#"{"name":"a","kind":"chat","model":"echo","id":"x"}"#, "id"),
            (#"{"name":"a","kind":"proxy","model":"echo"}"#, "kind"), (#"{"kind":"chat","model":"echo"}"#, "name"),
            (#"{"name":"a","kind":"chat","model":"echo","allowed_models":[]}"#, "allowed_models"),
            (#"{"name":"a","kind":"chat","model":"absent"}"#, "model"),
            (#"{"name":"a","kind":"chat","model":"echo","parameters":{"top_p":2}}"#, "parameters.top_p"),
        ])
    func fields(body: String, field: String) async throws {
        let answer = try await router.call(.post, "/api/v1/applications", json: body, token: token)
        #expect(answer.status == 400 && answer.code == "invalid_request")
        #expect(answer.body?.object?["errors"]?.array?.first?.object?["field"]?.string == Text(field))
    }

    /// An answer to a list of keys.
    private func keys(_ query: String) async throws -> ManagementRouter.Answer {
        try await router.call(.get, "/api/v1/credentials?" + query, token: token)
    }

    @Test("a list of keys is narrowed, ordered and gone through by its parameters") func keyList() async throws {
        let app = try await router.call(
            .post, "/api/v1/applications", json: #"{"name":"Cat","kind":"chat","model":"echo"}"#, token: token)
        let id = try #require(app.body?.object?["id"]?.string)
        for (name, more) in [
            ("web", #""labels":["b","a","b"],"environment":"testing""#), ("Web 2", #""labels":["a"]"#),
            ("100%", #""limited_amount":0"#),
        ] {
            let made = try await router.call(
                .post, "/api/v1/credentials", json: #"{"application_id":"\#(id)","name":"\#(name)",\#(more)}"#,
                token: token)
            #expect(made.status == 201)
            router.house.hand.advance(.seconds(1))
        }
        func names(_ query: String) async throws -> [String?] {
            let answer = try await keys(query)
            return answer.body?.object?["items"]?.array?.map { $0.object?["name"]?.string?.string } ?? [answer.code]
        }
        #expect(try await names("sort=name") == ["100%", "web", "Web 2"])
        #expect(try await names("sort=-name&application_id=\(id)") == ["Web 2", "web", "100%"])
        #expect(try await names("") == ["100%", "Web 2", "web"])
        #expect(try await names("sort=name&search=WEB") == ["web", "Web 2"])
        #expect(try await names("search=%25") == ["100%"])
        #expect(try await names("search=_").isEmpty)
        #expect(try await names("label=a&sort=name") == ["web", "Web 2"])
        #expect(try await names("environment=testing") == ["web"])
        #expect(try await names("status=exhausted") == ["100%"])
        #expect(try await names("status=active,exhausted&sort=name&label=b") == ["web"])
        let first = try await keys("sort=name&limit=2").body?.object
        let cursor = try #require(first?["next_cursor"]?.string)
        #expect(first?["items"]?.array?.count == 2)
        let second = try await keys("sort=name&limit=2&cursor=\(cursor)").body?.object
        #expect(second?["items"]?.array?.first?.object?["name"] == "Web 2" && second?["next_cursor"] == .null)
        let web = try await keys("search=Web%202").body?.object?["items"]?.array?.first?.object
        #expect(web?["labels"] == ["a"] && web?["environment"] == .null && web?["last_used_at"] == .null)
    }

    @Test(
        "a parameter of a list of keys that is wrong is refused by name",
        arguments: [
            ("search=", "search"), ("search=%00", "search"), ("search=%E2%80%AE", "search"),
            ("search=" + String(repeating: "x", count: 101), "search"), ("status=", "status"),
            ("status=dead", "status"),
            ("status=active,", "status"), ("status=active,active", "status"), ("status=Active", "status"),
            ("sort=", "sort"), ("sort=-", "sort"), ("sort=--name", "sort"), ("sort=id", "sort"),
            ("sort=name,id", "sort"),
            ("label=A", "label"), ("label=", "label"), ("environment=", "environment"),
            ("environment=%25", "environment"),
            ("application_id=x", "application_id"), ("limit=0", "limit"), ("cursor=", "cursor"), ("cursor=x", "cursor"),
        ])
    func keyListFields(query: String, field: String) async throws {
        let answer = try await keys(query)
        #expect(answer.status == 400 && answer.code == "invalid_request")
        #expect(answer.body?.object?["errors"]?.array?.first?.object?["field"]?.string == Text(field))
    }

    @Test("a cursor of another order is refused") func foreignOrder() async throws {
        let answer = try await keys("cursor=0000000000000000.0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47.0")
        #expect(answer.status == 400 && answer.code == "invalid_request")
    }

    @Test("a session needs its token against forged requests to change something, and no foreign page has it")
    func forgery() async throws {
        let (cookie, csrf) = try await signIn()
        let body = #"{"name":"Cat","kind":"chat","model":"echo"}"#
        let without = try await router.call(.post, "/api/v1/applications", json: body, headers: [.cookie: cookie])
        #expect(without.status == 403 && without.code == "csrf_failed")
        let csrfName = try #require(HTTPField.Name("X-CSRF-Token"))
        let with = try await router.call(
            .post, "/api/v1/applications", json: body, headers: [.cookie: cookie, csrfName: csrf])
        #expect(with.status == 201)
        let foreign = try await router.call(
            .get, "/api/v1/applications", headers: [.cookie: cookie, .origin: "https://evil.example"])
        #expect(foreign.code == "csrf_failed")
        let both = try await router.call(.get, "/api/v1/applications", token: token, headers: [.cookie: cookie])
        #expect(both.status == 400 && both.code == "ambiguous_credentials")
    }

    @Test(
        "refusals have their status and headers",
        arguments: [
            ("/api/v1/applications", nil, 401, "unauthenticated"),
            ("/api/v1/applications?nonsense=1", "right", 400, "unknown_parameter"),
            ("/api/v1/applications/no-id", "right", 404, "not_found"),
            ("/api/v1/sessions/current", "right", 403, "session_required"),
            ("/api/v1/nothing", "right", 404, "not_found"), ("/api/v1//applications", "right", 404, "not_found"),
        ] as [(String, String?, Int, String)])
    func statuses(path: String, token given: String?, status: Int, code: String) async throws {
        let answer = try await router.call(.get, path, token: given.map { _ in token })
        #expect(answer.status == status && answer.code == code, "\(answer)")
        #expect(answer.headers[.contentType] == "application/problem+json")
        #expect((answer.headers[.wwwAuthenticate] != nil) == (status == 401))
    }
}
