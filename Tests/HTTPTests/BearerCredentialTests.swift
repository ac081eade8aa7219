import HTTP
import HTTPTypes
import Testing

@Suite("The Authorization header")
struct BearerCredentialTests {
    @Test("one bearer token, whatever the case of the scheme") func token() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            guard case .token("abc") = BearerCredential([.authorization: value]) else {
                Issue.record("\(value) was not read")
                continue
            }
        }
    }

    @Test("two headers, also folded into one, are no credential") func several() {
        var two = HTTPFieldsOfTwo.headers
        guard case .several = BearerCredential(two) else {
            Issue.record("two were taken")
            return
        }
        two = [.authorization: "Bearer a, Bearer b"]
        guard case .several = BearerCredential(two) else {
            Issue.record("folded ones were taken")
            return
        }
    }

    @Test(
        "a credential in the address is found, also escaped",
        arguments: ["api_key=x", "a=b&API%5FKEY=x", "access_token", "key="])
    func address(query: String) { #expect(AddressCredentials.refusal(query: query)?.code == "credentials_in_url") }

    @Test("other parameters are not", arguments: ["limit=5", "monkey=1", "cursor=key", "tokens=1"])
    func harmless(query: String) { #expect(AddressCredentials.refusal(query: query) == nil) }
}
