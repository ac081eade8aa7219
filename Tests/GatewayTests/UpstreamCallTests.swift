import JSON
import NIOCore
import Secrets
import Testing
import Values

@testable import Applications
@testable import Catalog
@testable import Gateway

@Suite("A call with nothing left to decide")
struct UpstreamCallTests {
    private let id = Identifier(at: Timestamp(microseconds: 0), random: (1, 2))

    private func call(upstreamName: String) throws -> UpstreamCall {
        let row = ModelTable.RouteRow(
            model: id, upstreamName: upstreamName, systemMessages: .keep,
            upstream: .init(provider: id, kind: .echo, baseURL: nil, sealedSecret: nil), prices: [])
        let keys = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
        let chat = ChatSettings(
            storedModel: "public", allowedModels: ["public"], systemPrompt: nil,
            parameters: try #require(ChatParameters(stored: "{}")))
        let request = try ChatRequest(ByteBuffer(string: #"{"messages":[{"role":"user","content":"hi"}]}"#))
        return try UpstreamCall(
            request, ModelRoute(row, name: "public", sealing: keys.sealing), chat, isKept: false)
    }

    @Test("the upstream hears its own name of the model, and the caller the public one") func names() throws {
        let call = try call(upstreamName: "inner")
        #expect(call.renaming == ModelRenaming("public", upstreamName: "inner"))
        #expect(call.body.map { String(buffer: $0) }.joined().contains(#""model":"inner""#))
        #expect(call.publicModel == "public")
    }

    @Test("equal names need no change") func equal() throws {
        #expect(try call(upstreamName: "public").renaming == nil)
    }

    @Test("which members the caller's body has") func members() throws {
        let request = try ChatRequest(ByteBuffer(string: #"{"a":{"b":1},"messages":[{"role":"x"}],"t\u0065mp":null}"#))
        #expect(["a", "messages", "temp"].allSatisfy { request.hasMember($0) })
        #expect(!["b", "role", "t\\u0065mp", "", "A"].contains { request.hasMember($0) })
    }
}
