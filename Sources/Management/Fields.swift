import Policy
package import Values

/// What a caller gave as a token or as the name of a model, not looked into yet. Whether there is such a one is for the
/// answer to say.
package struct GivenText: FieldText {
    package static let rule = "must be a string of 1 to 512 characters"
    package let text: String

    package init?(_ text: String) {
        guard (1...512).contains(text.utf8.count) else { return nil }
        self.text = text
    }
}

/// An address in a field.
package struct AddressField: FieldText {
    package static let rule = "must be an IPv4 or IPv6 address"
    package let address: IPAddress

    package init?(_ text: String) {
        guard let address = IPAddress(text) else { return nil }
        self.address = address
    }
}

/// What an `Origin` header said.
package struct OriginField: FieldText {
    package static let rule = "must be the value of an Origin header, of at most 512 characters"
    package let origin: WebOrigin

    package init?(_ text: String) {
        guard (1...512).contains(text.utf8.count) else { return nil }
        origin = WebOrigin(header: text)
    }
}

/// The name under which a call is charged once.
package struct RequestName: FieldText {
    package static let rule = "must be 1 to 255 printable ASCII characters"
    package let text: String

    package init?(_ text: String) {
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        self.text = text
    }
}
