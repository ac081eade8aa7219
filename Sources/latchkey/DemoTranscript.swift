import Foundation
import HTTP
import JSON
import NIOHTTP1
import Secrets
import Values

/// Something did not happen as told.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Who manages the demo's server.
struct DemoAdmin {
    static let email = "ada@example.com"
    /// For the terminal of who has started it alone.
    let password: String
    let account: String
    /// The header fields of her session.
    let proof: [(String, String)]
    /// Her platform token.
    let token: String
}

/// What is there after the transcript.
struct DemoPets {
    let admin: DemoAdmin
    /// The identifiers of the two apps.
    let cat: String
    let dog: String
}

/// The steps, told as they happen and checked as they are told.
struct DemoTranscript {
    let running: Server.Running
    private var api: DemoClient { DemoClient(address: running.address) }

    func play() async throws -> DemoPets {
        say("Latchkey is running on \(running.address), with an empty database in a temporary folder.\n")
        let admin = try await firstAdmin()
        let token = admin.token
        let cat = try await makeApp("The cat", prompt: "You are a cat. Answer like a cat.", token)
        let dog = try await makeApp("The dog", prompt: "You are a dog. Answer like a dog.", token)

        say("\n3. The same call, once with each key. Only the key differs.")
        try await expect("the cat's key", cat.key, "/v1", 200, "Meow!")
        try await expect("the dog's key", dog.key, "/v1", 200, "Woof!")

        say("\n4. A key opens one app and no other.")
        try await expect("the cat's key at the cat's address", cat.key, "/apps/\(cat.id)/v1", 200, "Meow!")
        try await expect(
            "the cat's key at the dog's address", cat.key, "/apps/\(dog.id)/v1", 403, "another application")

        say("\n5. A forged key: the cat's with one character changed. It is refused without any look-up.")
        try await expect("the forged key", forged(cat.key), "/v1", 401, "Incorrect API key")

        try await showCredits(dog, token)

        say("\n7. The cat's key is deleted. The very next call with it is refused; the dog's goes on working.")
        try await api.call(.DELETE, "/api/v1/credentials/\(cat.credential)", bearer: token, expecting: 204)
        try await expect("the cat's deleted key", cat.key, "/v1", 401, "Incorrect API key")
        try await expect("the dog's key", dog.key, "/v1", 200, "Woof!")

        say("\nAll of it happened as told. Start your own with: latchkey quickstart")
        return DemoPets(admin: admin, cat: cat.id, dog: dog.id)
    }

    private func showCredits(_ dog: (id: String, credential: String, key: String), _ token: String) async throws {
        say(
            "\n6. Each call costs credits, and its answer says how many. The dog's key gets a limit of 60; one call was made already."
        )
        try await api.call(
            .PATCH, "/api/v1/credentials/\(dog.credential)", ["limited_amount": 60], bearer: token, expecting: 200)
        try await expect("the dog's second call", dog.key, "/v1", 200, "Woof!", cost: "20", remaining: "20")
        try await expect("the dog's third call", dog.key, "/v1", 200, "Woof!", cost: "20", remaining: "0")
        try await expect("the dog's fourth call", dog.key, "/v1", 429, "credit limit", cost: "0")
        let key = try await api.call(.GET, "/api/v1/credentials/\(dog.credential)", bearer: token, expecting: 200)
        say("   The key has used \(try key.number("used_amount")) of 60 credits and is \(try key.required("status")).")
        try await api.call(
            .PATCH, "/api/v1/credentials/\(dog.credential)", ["limited_amount": nil], bearer: token, expecting: 200)
        say("   Without its limit it works again at once:")
        try await expect("the dog's fifth call", dog.key, "/v1", 200, "Woof!", cost: "20", remaining: "880")
    }

    private func firstAdmin() async throws -> DemoAdmin {
        guard let setUp = running.setUpToken else { throw DemoFailure("the empty server offered no set-up token") }
        // 80 bits, in characters that are easily typed.
        let secret = RecoveryCode.mint(.system).exposed()
        let email: JSON = .string(DemoAdmin.email)
        let password: JSON = .string(secret)
        say("1. The first admin is made with the one-time set-up token that the server printed: \(DemoAdmin.email).")
        try await api.call(
            .POST, "/api/v1/setup", ["token": .string(setUp), "email": email, "password": password], expecting: 201)
        let session = try await api.call(
            .POST, "/api/v1/sessions", ["email": email, "password": password], expecting: 201)
        let cookie = session.headers.first { $0.name.lowercased() == "set-cookie" }?.value.prefix { $0 != ";" } ?? ""
        let proof = [("cookie", String(cookie)), ("x-csrf-token", try session.required("csrf_token"))]
        say("   She signs in and makes a platform token, with which scripts may manage apps and keys.")
        let token = try await api.call(
            .POST, "/api/v1/platform-tokens",
            [
                "name": "demo",
                "scopes": ["applications:write", "credentials:read", "credentials:write", "credentials:delete"],
            ], headers: proof, expecting: 201)
        let account = session.body["user"]?.object?["account_id"]?.string ?? ""
        try await api.call(
            .POST, "/api/v1/accounts/\(account)/grants", ["amount": 1000, "reason": "demo"], headers: proof,
            expecting: 201)
        say("   She grants her account 1000 credits.")
        say("\n2. Two apps on the built-in echo model, each with its own system prompt and its own key.")
        return DemoAdmin(password: secret, account: account.string, proof: proof, token: try token.required("token"))
    }

    private func makeApp(
        _ name: String, prompt: String, _ token: String
    ) async throws -> (id: String, credential: String, key: String) {
        let app = try await api.call(
            .POST, "/api/v1/applications",
            ["name": .string(name), "kind": "chat", "model": "echo", "system_prompt": .string(prompt)], bearer: token,
            expecting: 201)
        let id = try app.required("id")
        let key = try await api.call(
            .POST, "/api/v1/credentials/", ["application_id": .string(id), "name": "demo"], bearer: token,
            expecting: 201)
        say("   \(name): app \(id), key \(try key.required("hint")) (the whole key is shown only once)")
        return (id, try key.required("id"), try key.required("token"))
    }

    /// Makes a chat call, tells what came back, and stops the demo when it isn't what was to come.
    private func expect(
        _ what: String, _ key: String, _ base: String, _ status: Int, _ words: String, cost: String? = nil,
        remaining: String? = nil
    ) async throws {
        let answer = try await api.call(
            .POST, base + "/chat/completions", ["messages": [["role": "user", "content": "Hello"]]], bearer: key,
            expecting: status)
        guard let text = answer.saying, text.contains(words) else {
            throw DemoFailure("\(what): \(words) was expected in the answer")
        }
        for (name, value) in [("x-latchkey-cost", cost), ("x-latchkey-remaining", remaining)] where value != nil {
            guard answer.header(name) == value else { throw DemoFailure("\(what): \(name) was to be \(value ?? "")") }
        }
        let receipt = cost.map { " [cost \($0)\(remaining.map { ", \($0) left" } ?? "")]" } ?? ""
        say("   \(what): \(status) \(text)\(receipt)")
    }

    private func forged(_ key: String) -> String {
        var characters = Array(key)
        let middle = characters.count / 2
        characters[middle] = characters[middle] == "x" ? "y" : "x"
        return String(characters)
    }

    /// At once, also where standard output is a pipe.
    private func say(_ line: String) { announce(line) }
}
