import HTTP
import Policy
import Secrets
import Values

/// What is wrong with the form of what came in place of a key, as far as anybody can tell without a secret.
///
/// Whoever sends a key the wrong way is told how, instead of making a new one. Of a well-formed key nothing is told:
/// forged, unknown and deleted are one answer. Nothing of what was sent is repeated.
enum KeyFault: Equatable {
    case noKey
    /// A key alone.
    case noScheme
    case otherScheme
    case schemeTwice
    case quoted
    case platformToken
    case prefix(String)
    case length(Int, wanted: Int)
    case character
    case checksum

    /// For the value of an `Authorization` header that has no bearer token.
    init(header: Text) {
        guard let (scheme, rest) = header.split(atFirst: " ") else {
            self = header.lowercased == "bearer" ? .noKey : .noScheme
            return
        }
        self = scheme.lowercased == "bearer" && rest.trimmed.isEmpty ? .noKey : .otherScheme
    }

    /// `nil` for a well-formed key, whoever made it.
    init?(in token: Text, shape: TokenShape) {
        let quotes: [Text] = ["\"", "'", "`", "\u{201c}", "\u{201d}"]
        if let (word, _) = token.split(atFirst: " "), word.lowercased == "bearer" {
            self = .schemeTwice
        } else if quotes.contains(where: token.hasPrefix) {
            self = .quoted
        } else if token.hasPrefix(Text(TokenKind.platformToken.prefix)) {
            self = .platformToken
        } else if !token.hasPrefix(Text(shape.prefix)) {
            self = .prefix(shape.prefix)
        } else if token.utf8.count != shape.length {
            self = .length(token.utf8.count, wanted: shape.length)
        } else if !shape.hasDigitsOnly(token.string) {
            self = .character
        } else if shape.parse(token.string) == nil {
            self = .checksum
        } else {
            return nil
        }
    }

    var problem: Problem {
        var problem = Denial.invalidKey.problem
        problem.detail = "Incorrect API key provided: " + sentence
        return problem
    }

    private static let form = "Send it as: Authorization: Bearer <key>."

    private var sentence: String {
        switch self {
        case .noKey: "nothing follows the word Bearer. " + Self.form
        case .noScheme: "the word Bearer and a blank are missing before it. " + Self.form
        case .otherScheme: "the Authorization header has another scheme than Bearer. " + Self.form
        case .schemeTwice: "the word Bearer is there twice. Give your client the key alone, or write the header once."
        case .quoted: "it is in quotation marks. Send it without them."
        case .platformToken:
            "this is a platform token, which is for the management API. Call an app with one of the app's keys."
        case .prefix(let prefix): "a key of this server begins with \(prefix). Check which key your client sends."
        case .length(let count, let wanted):
            "it has \(count) characters, and a key of this server has \(wanted). Copy it again, whole and with nothing after "
                + "it, or check whether it is the key of another service."
        case .character: "it has a character that no key has. Copy it again."
        case .checksum: "one or more of its characters are wrong (its checksum does not fit). Copy it again."
        }
    }
}
