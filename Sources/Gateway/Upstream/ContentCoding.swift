import NIOCore
import Wire

/// How the body of an answer is compressed (RFC 9110 §8.4.1). We ask for `identity`; not every upstream listens.
enum ContentCoding: Equatable {
    case identity
    case gzip
    /// The zlib format (RFC 1950), or, as some senders understand the word, bare deflate (RFC 1951).
    case deflate
    /// One that can't be undone here. The name is one of our list, never the upstream's text.
    case unknown(String)

    init(_ fields: FieldLines) {
        guard let value = fields.first("content-encoding") else {
            self = .identity
            return
        }
        // Two codings, one upon the other, are as legal as they are unheard of.
        guard fields.count("content-encoding") == 1 else {
            self = .unknown("in more than one way")
            return
        }
        let name = value.count > 16 ? "?" : String(decoding: value, as: UTF8.self).lowercased()
        switch name {
        case "", "identity": self = .identity
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        case "br": self = .unknown("with br")
        case "zstd": self = .unknown("with zstd")
        case "compress", "x-compress": self = .unknown("with compress")
        default: self = .unknown("in a way not known here")
        }
    }
}
