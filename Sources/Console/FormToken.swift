import Foundation
import Secrets
import Values

/// The token against forged requests as it stands in a form: masked anew in each page.
///
/// A page is compressed, and so its length tells something of a text that comes twice in it. What is different each time
/// can't be guessed from lengths (BREACH).
enum FormToken {
    static func masked(_ token: String, _ entropy: Entropy) -> String {
        let bytes = Array(token.utf8)
        let mask = entropy.bytes(bytes.count)
        return Data(mask + zip(bytes, mask).map { $0 ^ $1 }).base64EncodedString()
    }

    /// Whether a form came with the token, under whatever mask.
    static func isSame(_ given: Text, as token: String) -> Bool {
        guard given.utf8.count <= 1024, let data = Data(base64Encoded: given.string) else { return false }
        let half = data.count / 2
        let bytes = zip(data.prefix(half), data.suffix(half)).map { $0 ^ $1 }
        return data.count == 2 * half && Secret(bytes).isSame(as: Secret(token))
    }
}
