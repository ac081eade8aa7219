import Accounts
import Management
import Metering
import TestSupport
import Testing
import Values

@testable import Console

@Suite("An account's balance, by its operators")
struct AccountCreditsTests {
    private let world: AccountHouse
    private var router: ConsoleRouter { world.router }
    private var grant: String { world.path + "/grant" }
    private var adjustment: String { world.path + "/adjustment" }

    init() async throws { world = try await AccountHouse() }

    private func balance() async throws -> String { try await world.details().balance.amount.decimal }

    /// The two steps of a form.
    private func book(_ path: String, _ fields: [String: String]) async throws -> ConsoleRouter.Answer {
        let check = try await world.send(path, fields)
        #expect(check.status == 200)
        return try await router.post(path, check.fields(to: path))
    }

    @Test("is shown before and after, and nothing is done before it was seen") func steps() async throws {
        #expect(try await book(grant, ["amount": "1,000.5", "reason": "first <b>"]).status == 303)
        let check = try await world.send(grant, ["amount": "500", "reason": ""])
        #expect(check.html.contains("Balance now</dt><dd><b><bdi>1,000.5<"))
        #expect(check.html.contains("<bdi>+500<") && check.html.contains("Balance after it</dt><dd><b><bdi>1,500.5<"))
        #expect(check.html.contains("Give 500 credits") && check.html.contains("Nothing is done yet."))
        #expect(try await balance() == "1000.5")
        // Back to the form, with what was typed.
        #expect(check.html.contains("<form id=\"change\" method=\"post\" action=\"\(grant)\""))
        let again = try await router.post(
            grant, check.fields(to: grant).filter { $0.0 != "once" } + [("again", "yes")])
        #expect(again.status == 200 && again.html.contains("value=\"500\"") && !again.html.contains("name=\"checked\""))
        #expect(try await balance() == "1000.5")
        let done = try await router.post(grant, check.fields(to: grant))
        #expect(done.location == world.path + "#credits")
        let page = try await router.get(world.path)
        #expect(page.html.contains("<b>+500 credits</b> are booked. The balance is now <b>1,500.5 credits</b>."))
        #expect(page.html.contains("<bdi>first &lt;b&gt;</bdi>"))
        #expect(page.html.matches(of: /<tr id="entry-[^"]*" class="new">/).count == 1)
        #expect(try await !router.get(world.path).html.contains("are booked"))
    }

    @Test("a form that is sent twice changes it once") func twice() async throws {
        let check = try await world.send(grant, ["amount": "7"])
        let fields = check.fields(to: grant)
        let answers = [try await router.post(grant, fields), try await router.post(grant, fields)]
        #expect(answers.allSatisfy { $0.status == 303 } && answers[0].location == answers[1].location)
        #expect(try await balance() == "7")
        // Shown anew, it is another one.
        #expect(try await book(grant, ["amount": "7"]).status == 303)
        #expect(try await balance() == "14")
    }

    @Test("is corrected up and down, with a reason, but not by what is not there") func adjust() async throws {
        #expect(try await book(grant, ["amount": "100"]).status == 303)
        let mute = try await world.send(adjustment, ["amount": "-50", "reason": ""])
        #expect(mute.status == 400 && mute.html.contains("This has to be filled in."))
        #expect(try await book(adjustment, ["amount": "\u{2212}50", "reason": "typed as it is shown"]).status == 303)
        #expect(try await balance() == "50")
        #expect(try await book(adjustment, ["amount": "+0.25", "reason": "rounding"]).status == 303)
        #expect(try await balance() == "50.25")
        let check = try await world.send(adjustment, ["amount": "-51", "reason": "too much"])
        #expect(check.html.contains("this will be refused") && check.html.contains("Take 51 credits"))
        let refused = try await router.post(adjustment, check.fields(to: adjustment))
        #expect(refused.status == 409 && refused.html.contains("There are not as many credits left."))
        #expect(refused.html.contains("value=\"-51\"") && refused.html.contains("value=\"too much\""))
        #expect(try await balance() == "50.25")
        let none = try await book(adjustment, ["amount": "0", "reason": "nothing"])
        #expect(none.status == 400 && none.html.contains("Must not be 0."))
    }

    @Test("what is no amount is said beside it, and what was typed stays") func faults() async throws {
        for amount in ["", " ", "x", "0", "-1", "1e30", "0.0000001", "--1", "+-1", String(repeating: "1", count: 99)] {
            let answer = try await world.send(grant, ["amount": amount, "reason": "kept"])
            #expect(answer.status == 400 && answer.html.contains("value=\"kept\""), "\(amount)")
            #expect(answer.html.contains("class=\"fault\""))
        }
        let bad = try await world.send(grant, ["amount": "1", "reason": " blank"])
        #expect(bad.status == 400 && bad.html.contains("or 1 to 100 characters"))
        #expect(try await book(grant, ["amount": "9223372036854.775807"]).status == 303)
        let over = try await world.send(grant, ["amount": "1"])
        #expect(over.status == 409 && over.html.contains("The balance would be larger than can be counted."))
    }

    @Test("of a closed account gets nothing more, but is corrected") func closed() async throws {
        #expect(try await book(grant, ["amount": "100"]).status == 303)
        #expect(try await world.send(world.path + "/close", ["name": "Ada"]).status == 303)
        let refused = try await book(grant, ["amount": "1"])
        #expect(refused.status == 409 && refused.html.contains("The account is closed, for good."))
        #expect(try await book(adjustment, ["amount": "-100", "reason": "paid back"]).status == 303)
        #expect(try await balance() == "0")
    }
}
