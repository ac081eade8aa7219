import Accounts
import TestSupport
import Testing

@Suite("E-mail addresses")
struct EmailAddressTests {
    @Test(
        "ordinary addresses, in lower case",
        arguments: [
            "ada@example.com", "Ada.Lovelace+work@Example.COM", "a@b", "o'brien@mail.example.co.uk",
            "x_y-z@a-b.example",
            "1@2.example", "root@localhost", "ada@xn--bcher-kva.example",
            String(repeating: "a", count: 64) + "@example.com",
            "a@" + String(repeating: "b", count: 63) + ".example",
        ])
    func good(text: String) { #expect(EmailAddress(text)?.text == text.lowercased()) }

    @Test(
        "what is no address, or could pass for another one",
        arguments: [
            "", "@", "ada", "ada@", "@example.com", "a@@b.example", "a@b@c.example", "a b@example.com",
            " ada@example.com",
            "ada@example.com ", "ada@example.com\n", "ada@example..com", "ada@.example", "ada@example.",
            "ada@-a.example",
            "ada@a-.example", "ada@ex_ample.com", "ada@[127.0.0.1]", "\"a b\"@example.com", "Ada <ada@example.com>",
            "ada@example.com,eve@example.com", "ada;eve@example.com", "ada@exämple.com", "аda@example.com",
            "ada\u{0}@example.com",
            "ada@example.com\u{202E}", String(repeating: "a", count: 65) + "@example.com",
            "a@" + String(repeating: "b", count: 64) + ".example",
            "a@" + String(repeating: "b.", count: 126) + "c",
        ])
    func bad(text: String) { #expect(EmailAddress(text) == nil) }

    @Test("254 characters are the most") func length() {
        let stem = "a@" + String(repeating: "b.", count: 125)
        #expect(EmailAddress(stem + "cd")?.text.utf8.count == 254)
        #expect(EmailAddress(stem + "cde") == nil)
    }
}
