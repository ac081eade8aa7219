import Secrets
import Values

/// A code as it was typed: six digits of an authenticator, or a recovery code.
package struct SecondFactorCode: FieldText {
    package static let rule = "must be the six digits of your authenticator, or a recovery code"

    enum Kind: Sendable {
        case digits(Secret)
        case recovery(Secret)
    }

    let kind: Kind

    package init?(_ text: String) {
        if text.utf8.count == 6, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            kind = .digits(Secret(text))
        } else if let code = RecoveryCode.normalised(text) {
            kind = .recovery(code)
        } else {
            return nil
        }
    }
}
