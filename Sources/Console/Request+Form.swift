import HTTP
import HTTPTypes
import Hummingbird
import NIOCore
import Values

extension Request {
    /// The body of a form.
    /// - Parameter limit: in bytes.
    func formBody(limit: Int) async throws -> ByteBuffer {
        let type = headers[.contentType].map { Text($0).split(on: ";")[0].trimmed.lowercased }
        guard type == "application/x-www-form-urlencoded" else {
            throw Problem(
                .unsupportedMediaType, "unsupported_media_type", "A page of the console takes forms and nothing else.")
        }
        if let declared = headers[.contentLength].flatMap({ Int($0) }), declared > limit {
            throw Problem.bodyTooLarge(limit: limit)
        }
        do {
            return try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw Problem.bodyTooLarge(limit: limit)
        }
    }
}
