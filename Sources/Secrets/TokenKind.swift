/// The tokens that a deployment makes for itself, each told by its prefix. Keys of applications have the deployment's own.
package enum TokenKind: String, Sendable, CaseIterable {
    case platformToken = "lkp-"
    case invitation = "lki-"
    case passwordReset = "lkr-"
    case setUpToken = "lks-"

    package var prefix: String { rawValue }

    /// For people.
    package var name: String {
        switch self {
        case .platformToken: "platform token"
        case .invitation: "invitation"
        case .passwordReset: "password reset"
        case .setUpToken: "set-up token"
        }
    }
}
