import JSON
import NIOHTTP1
import Values

/// A week of calls for the console to show: made through the gateway as any other, on a clock that begins a week ago.
/// Nothing is written beside it, so every figure has its charge, its count and its entry.
struct DemoHistory {
    let pets: DemoPets
    let running: Server.Running
    let clock: DemoClock

    /// How far back the clock is for the transcript.
    static let beginning: Duration = .seconds(6 * 86_400 + 4 * 3600)

    /// A key, with how many calls are made with it on each day, the last of which is today.
    private struct Key {
        let name: String
        let isCat: Bool
        var terms = JSONObject()
        let calls: [Int]
        /// The status of the calls after so many.
        var refusal: (after: Int, status: Int)?
    }

    private var api: DemoClient { DemoClient(address: running.address) }

    /// Makes the keys and all the calls, up to now.
    func make() async throws {
        try await api.call(
            .POST, "/api/v1/accounts/\(pets.admin.account)/grants", ["amount": 4000, "reason": "for a week of calls"],
            headers: pets.admin.proof, expecting: 201)
        let keys = keys
        var tokens: [String] = []
        for key in keys { tokens.append(try await make(key)) }
        for day in 0..<7 {
            // All of it by the hour at which the demo is shown. Today's calls have just been made, so that they are today's.
            let pause = day == 6 ? 30 : 1200
            for round in 0..<10 {
                clock.set(behind: .seconds((6 - day) * 86_400 + (10 - round) * pause))
                for (key, token) in zip(keys, tokens) where key.calls[day] > round {
                    let made = key.calls[..<day].reduce(0, +) + round
                    let refused = key.refusal.flatMap { made >= $0.after ? $0.status : nil }
                    try await chat(token, "/v1", expecting: refused ?? 200)
                }
            }
            // The website's key, by mistake, at the dog's address.
            if day == 3 { try await chat(tokens[0], "/apps/\(pets.dog)/v1", expecting: 403) }
        }
        clock.set(behind: .zero)
    }

    /// How to look at it.
    var invitation: String {
        """

        Latchkey goes on with the cat, the dog and a week of calls. Look at them in the console:

          Console     \(running.console)
          e-mail      \(DemoAdmin.email)
          password    \(pets.admin.password)

        Ctrl-C ends the server and deletes all of it.
        """
    }

    private var keys: [Key] {
        let expiry = Clock.system.now().adding(.seconds(-(2 * 86_400 + 12 * 3600))).rfc3339
        return [
            Key(
                name: "Website", isCat: true,
                terms: ["environment": "production", "revealable": true, "labels": ["web"]],
                calls: [4, 7, 5, 9, 6, 8, 3]),
            Key(
                name: "Night shift", isCat: false, terms: ["environment": "production", "monthly_limit": 5000],
                calls: [2, 3, 6, 4, 7, 5, 2]),
            // Near its limit: one call of twenty is left.
            Key(
                name: "Newsletter", isCat: true, terms: ["limited_amount": 400, "labels": ["web", "mail"]],
                calls: [0, 5, 4, 4, 3, 3, 0]),
            // Expired between the fourth day and the fifth.
            Key(
                name: "Trade fair", isCat: false, terms: ["expired_at": .string(expiry)],
                calls: [3, 4, 2, 3, 2, 1, 0], refusal: (after: 12, status: 401)),
            // At its limit, and still called.
            Key(
                name: "Old laptop", isCat: true, terms: ["environment": "testing", "limited_amount": 60],
                calls: [2, 1, 1, 0, 2, 1, 1], refusal: (after: 3, status: 429)),
        ]
    }

    private func make(_ key: Key) async throws -> String {
        var body = key.terms
        body["application_id"] = .string(key.isCat ? pets.cat : pets.dog)
        body["name"] = .string(key.name)
        let made = try await api.call(
            .POST, "/api/v1/credentials/", .object(body), bearer: pets.admin.token, expecting: 201)
        return try made.required("token")
    }

    private func chat(_ key: String, _ base: String, expecting status: Int) async throws {
        try await api.call(
            .POST, base + "/chat/completions", ["messages": [["role": "user", "content": "Hello"]]], bearer: key,
            expecting: status)
    }
}
