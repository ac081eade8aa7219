import HTTP
import NIOCore
import Testing
import Values

@testable import Gateway

@Suite("Addresses of the data plane")
struct GatewayRouteTests {
    private func view(_ path: String) -> ByteBufferView { ByteBuffer(string: path).readableBytesView }

    @Test(
        "the operation that was meant is named",
        arguments: [
            ("/chat/completions", "/v1/chat/completions"), ("//v1//v1/models", "/v1/models"), ("/usage", "/v1/usage"),
            ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
            (
                "/apps/01a1fd8c-6900-7d4a-9b60-3f2d8c5e1a47/models",
                "/apps/01a1fd8c-6900-7d4a-9b60-3f2d8c5e1a47/v1/models"
            ),
        ])
    func meant(path: String, address: String) {
        #expect(GatewayRoute.isOurs(view(path)))
        #expect(GatewayRoute.absence(at: view(path)).detail.contains(" at \(address): "))
    }

    @Test(
        "nothing is said of addresses that are others'",
        arguments: ["/", "/api/v1/models", "/v1x", "/x/models", "/apis"])
    func others(path: String) {
        #expect(!GatewayRoute.isOurs(view(path)))
    }

    @Test("what is no operation is told which there are", arguments: ["/v1", "/v1/embeddings", "/apps/x"])
    func operations(path: String) {
        #expect(GatewayRoute.absence(at: view(path)).detail.contains("POST /v1/chat/completions"))
    }
}
