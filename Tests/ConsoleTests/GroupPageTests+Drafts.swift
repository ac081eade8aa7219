import Accounts
import Catalog
import Management
import TestSupport
import Testing
import Values

@testable import Console

/// What is not saved.
extension GroupPageTests {
    @Test("when something changed after the preview nothing is saved, and the new one is shown") func outdated()
        async throws
    {
        let address = Self.draft + "?multiplier=0.7&begin=2027-01-01T00:00"
        let fields = try await router.get(address).fields(to: Self.draft)
        _ = try await management.createMultiplier(
            admin, try #require(Multiplier(decimal: "2")), of: good("standard"), effectiveAt: nil)
        let answer = try await router.post(Self.draft, fields)
        #expect(answer.status == 409 && answer.html.contains("<b>Not saved.</b>"))
        #expect(answer.html.contains("costs <b>14</b>, now 40."))
        #expect(try await group().group.multipliers.count == 2)
        // Another value than the one that was previewed is not saved under its basis either.
        let fresh = answer.fields(to: Self.draft)
        let forged = try await router.post(Self.draft, fresh.map { $0.0 == "multiplier" ? ($0.0, "0.1") : $0 })
        #expect(forged.status == 409)
        #expect(try await group().scheduled == nil)
        #expect(try await router.post(Self.draft, answer.fields(to: Self.draft)).status == 303)
        #expect(try await group().scheduled?.multiplier.decimal == "0.7")
    }

    @Test(
        "a draft that can't be is said beside its field, and what was typed stays",
        arguments: [
            ("multiplier=-1&begin=now", "value=\"-1\"", "This isn’t a multiplier"),
            ("multiplier=&begin=now", "value=\"\"", "This has to be filled in."),
            (
                "multiplier=2&begin=date&effective_at=2026-12-15T12:00", "value=\"2026-12-15T12:00\"",
                "This time has passed."
            ),
            ("multiplier=2&begin=date&effective_at=soon", "value=\"soon\"", "This isn’t a date and time"),
            ("multiplier=2&begin=", "value=\"2\"", "This isn’t a date and time"),
        ])
    func drafts(query: String, kept: String, sentence: String) async throws {
        let page = try await router.get(Self.draft + "?" + query)
        #expect(page.status == 400 && page.html.contains(kept) && page.html.contains(sentence), "\(query)")
        let fields = query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts[1])
        }
        let sent = try await send(Self.draft, fields + [("basis", "0123456789abcdef")])
        #expect(sent.status == 400 && sent.html.contains(sentence))
    }

    @Test("without the basis of a preview a form saves nothing and shows the preview") func unseen() async throws {
        let answer = try await send(Self.draft, [("multiplier", "3"), ("begin", "now")])
        #expect(answer.status == 200 && answer.html.contains("Nothing changes until you save."))
        #expect(try await group().multiplier == .one)
    }

    @Test("a name gets out of its place in no language", arguments: Language.allCases) func hostile(language: Language)
        async throws
    {
        router.language = language.rawValue
        var edit = AccountEdit()
        edit.name = try good("\"\u{301}><img src=x onerror=alert(1)>'&amp;")
        _ = try await management.updateAccount(admin, world.root.account, edit)
        for query in ["", "?multiplier=0.5&begin=now", "?multiplier=%22%3E%3Cimg%3E&begin=%22%3E"] {
            let page = try await router.get(Self.draft + query)
            #expect(!page.html.contains("<img") && !page.html.contains("\"\u{301}>") && !page.html.contains("{{"))
        }
        #expect(try await router.get(Self.draft + "?multiplier=0.5&begin=now").html.contains("&lt;img"))
    }
}
