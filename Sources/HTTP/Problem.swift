package import HTTPTypes
package import JSON
package import Values

/// The words of HTTP that every surface speaks, without a web framework: problems and how each dialect says them, bearer
/// credentials, and trusted proxies.
///
/// This room knows the wire and the rules of RFC 9110, 9457 and 6750. It must not know a domain; from below it knows the
/// policy's denials, whose public side it is.
///
/// This type is a refusal as the public may see it: a status, one stable code, one sentence. What else is known goes to
/// the log.
package struct Problem: Error, Sendable {
    package var status: HTTPResponse.Status
    /// Stable; clients may switch on it.
    package var code: String
    /// A plain sentence that helps to do it right.
    package var detail: String
    package var fields: [InvalidField] = []
    package var headers: HTTPFields = [:]

    package init(_ status: HTTPResponse.Status, _ code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    /// The same problem with one more header, such as `Retry-After`.
    package func with(_ name: HTTPField.Name, _ value: String) -> Problem {
        var copy = self
        copy.headers[name] = value
        return copy
    }
}

/// An error that has a public side. Everything else is answered as `internal_error`, and only the log hears why.
package protocol PublicError: Error {
    var problem: Problem { get }
}

extension Problem: PublicError {
    package var problem: Problem { self }
}

extension InvalidField: PublicError {
    package var problem: Problem { .invalid(self) }
}

extension Problem {
    package static func invalid(_ field: String, _ rule: String) -> Problem {
        invalid(InvalidField(field, rule))
    }

    package static func invalid(_ broken: InvalidField) -> Problem {
        var problem = Problem(.badRequest, "invalid_request", "The field \(broken.field) \(broken.rule).")
        problem.fields = [broken]
        return problem
    }

    package static let notFound = Problem(.notFound, "not_found", "There is nothing at this address.")

    package static func methodNotAllowed(_ allowed: Set<String>) -> Problem {
        Problem(.methodNotAllowed, "method_not_allowed", "This address does not take this method.")
            .with(.allow, allowed.sorted().joined(separator: ", "))
    }

    /// Two slashes in a row: a proxy that guards `/api/` may not see one, and a router that skips the gap would.
    package static let emptyPathSegment = Problem(
        .notFound, "not_found", "There is nothing at this address: it has two slashes in a row. Write one.")

    package static let internalError = Problem(
        .internalServerError, "internal_error",
        "Something went wrong on the server; its log says what, under the request id.")

    package static let storageFailed = Problem(
        .serviceUnavailable, "storage_failed",
        "The server can't write to its disk right now. Nothing of this request was done. Tell its operator."
    ).with(.retryAfter, "10")

    package static let overloaded = Problem(
        .serviceUnavailable, "overloaded", "The server has too much to do right now; try again in a moment."
    ).with(.retryAfter, "1")

    package static let unsupportedMediaType = Problem(
        .unsupportedMediaType, "unsupported_media_type",
        "The body must be JSON, sent with Content-Type: application/json.")

    package static let unsupportedContentEncoding = Problem(
        .unsupportedMediaType, "unsupported_media_type", "The body must be sent as it is, without a Content-Encoding."
    ).with(.acceptEncoding, "identity")

    /// - Parameter setting: the name of the setting that the limit comes from, if there is one.
    package static func bodyTooLarge(limit: Int, setBy setting: String? = nil) -> Problem {
        let origin = setting.map { " (\($0))" } ?? ""
        return Problem(
            .contentTooLarge, "body_too_large",
            "The body is larger than \(limit) bytes, which is the limit here\(origin).")
    }

    package static func malformedJSON(_ error: JSONError) -> Problem {
        Problem(.badRequest, "malformed_json", error.sentence)
    }
}
