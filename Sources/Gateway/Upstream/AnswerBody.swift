import Catalog
import NIOCore
import Wire

/// The body of one answer on its way: bounded, and decompressed where the upstream has compressed it.
struct AnswerBody {
    /// Of the body as it is given out; `nil`: not known before its end.
    let length: Int?
    private let limit: Int
    private let inflater: Inflater?
    private var taken = 0

    init(_ head: ResponseHead, limit: Int) throws(UpstreamFailure) {
        self.limit = limit
        var length: Int?
        switch head.framing {
        case .none: length = 0
        case .length(let bytes): length = bytes
        case .chunked, .untilClose: length = nil
        }
        if let length, length > limit { throw .failed("an answer of \(length) bytes", .answerTooLarge) }
        switch ContentCoding(head.fields) {
        case .unknown(let how) where length != 0:
            throw .failed("an answer that is compressed \(how), though that was not asked for", .notOpenAI)
        case let coding where (coding == .gzip || coding == .deflate) && length != 0:
            inflater = Inflater(coding)
            self.length = nil
        default:
            inflater = nil
            self.length = length
        }
    }

    /// - Returns: what may go on at once; `nil`: it is compressed, and comes by ``expanded()``.
    mutating func take(_ bytes: ByteBuffer) throws(UpstreamFailure) -> ByteBuffer? {
        guard let inflater else {
            try count(bytes)
            return bytes.readableBytes > 0 ? bytes : nil
        }
        inflater.feed(bytes)
        return nil
    }

    /// The next piece of what was compressed; `nil`: there is none until more has come.
    mutating func expanded() throws(UpstreamFailure) -> ByteBuffer? {
        guard let inflater else { return nil }
        do {
            guard let piece = try inflater.next() else { return nil }
            try count(piece)
            return piece
        } catch let failure as UpstreamFailure {
            throw failure
        } catch {
            throw .failed("an answer whose compression is malformed", .notOpenAI)
        }
    }

    /// What is wrong with an answer that ends here.
    var failureAtEnd: UpstreamFailure? {
        inflater?.isWhole == false ? .failed("an answer whose compressed body is cut off") : nil
    }

    private mutating func count(_ bytes: ByteBuffer) throws(UpstreamFailure) {
        taken += bytes.readableBytes
        if taken > limit { throw .failed("an answer of more than \(limit) bytes", .answerTooLarge) }
    }
}
