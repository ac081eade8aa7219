import Accounts
import Management
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The page of the deployment's health")
struct HealthPageTests {
    private func page(_ checks: [HealthCheck], language: String = "en") async throws -> String {
        let router = try ConsoleRouter(try ManagementHouse(checks: checks))
        router.language = language
        try await router.signIn(try await router.house.operators())
        let page = try await router.get("/console/health")
        #expect(page.status == 200 && !page.html.contains("{{"))
        return page.html
    }

    @Test("what is well says so and asks for nothing") func well() async throws {
        let html = try await page([HealthCheck(.database, 2500), HealthCheck(.calls, 12, of: 1024)])
        #expect(html.contains("2.5 ms") && html.contains("12<small>of 1,024</small>"))
        #expect(html.matches(of: /class="status good"/).count == 3 && !html.contains("class=\"status warn\""))
        #expect(html.contains("<dt>Version</dt><dd>0.0.0") && html.contains("4.0 KiB") && html.contains("test-1"))
    }

    @Test("what is not says what to do, and the worst is said of all") func act() async throws {
        let html = try await page([
            HealthCheck(.disk, 100 << 20, of: 10 << 30), HealthCheck(.keyFiles, 1), HealthCheck(.charges, nil, of: 9),
        ])
        #expect(html.contains("100.0 MiB<small>of 10.0 GiB</small>"))
        #expect(html.contains("Make room now") && html.contains("The log of the start says"))
        #expect(html.contains("unknown<small>of 9</small>") && html.contains("It could not be measured."))
        #expect(html.matches(of: /class="status bad"/).count == 2)
        #expect(html.matches(of: /class="status warn"/).count == 2)
    }

    @Test("every check has words for each state that it can be in", arguments: ["en", "zh-Hans"])
    func words(language: String) async throws {
        for state in HealthCheck.State.allCases {
            let checks = HealthCheck.Kind.allCases.compactMap { kind in
                let values: [Int64] = [0, 1, 9, 11, 200, 2_000_000, 99_000_000, 500 << 20, 5 << 30]
                return values.lazy.map { HealthCheck(kind, $0, of: kind == .disk ? 9 << 30 : 10) }.first {
                    $0.state == state
                }
            }
            // A database that answers is never worse than slow, and a remark on a file can wait.
            #expect(checks.count == HealthCheck.Kind.allCases.count - (state == .act ? 2 : 0), "\(state)")
            _ = try await page(checks, language: language)
        }
        _ = try await page(HealthCheck.Kind.allCases.map { HealthCheck($0, nil) }, language: language)
    }

    @Test("it is for admins") func forAdmins() async throws {
        let house = try ManagementHouse()
        let root = try await house.tenant("Ada", for: try await house.operators())
        let router = try ConsoleRouter(house)
        try await router.signIn(root)
        #expect(try await router.get("/console/health").status == 403)
        #expect(!(try await router.get("/console/keys").html.contains("/console/health")))
    }
}
