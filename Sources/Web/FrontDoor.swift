package import HTTP
import HTTPTypes
package import Hummingbird
import Logging
import NIOCore
import Values

/// What happens to every request and every answer of the management plane, whatever it is for: the request id, the common
/// headers, one log line, and the turn of whatever was thrown into a problem (RFC 9457).
///
/// It catches errors itself, and so is the only middleware: with the catch further out, an answer made from an error
/// would go out without the headers.
package struct FrontDoor: RouterMiddleware {
    package typealias Context = WebContext

    /// How a problem is put on the wire.
    package typealias Saying = @Sendable (Problem, Request, WebContext) -> Response

    private let absent: @Sendable (_ path: String) -> Problem
    private let saying: Saying

    /// - Parameters:
    ///   - absent: what to say where nothing is served for a path and its method.
    ///   - saying: how a problem is said; `problem+json` unless told otherwise.
    package init(
        absent: @escaping @Sendable (_ path: String) -> Problem,
        saying: @escaping Saying = { problem, _, _ in Response(ProblemDialect().answer(problem)) }
    ) {
        self.absent = absent
        self.saying = saying
    }

    package func handle(
        _ request: Request, context: WebContext, next: (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        let path = request.uri.path
        var response: Response
        do {
            if let refusal = context.refusal { throw refusal }
            if let refusal = AddressCredentials.refusal(query: request.head.path.flatMap(Self.query)) { throw refusal }
            if Self.hasEmptySegment(path) { throw Problem.emptyPathSegment }
            response = try await next(request, context)
        } catch {
            let isAbsent = (error as? HTTPError)?.status == .notFound
            response = saying(isAbsent ? absent(path) : publicSide(of: error, context), request, context)
        }
        response.headers.addCommon(requestID: context.requestID)
        log(request, response, context, took: ContinuousClock.now - began)
        return response
    }

    private static func hasEmptySegment(_ path: String) -> Bool {
        let slash = UInt8(ascii: "/")
        return zip(path.utf8, path.utf8.dropFirst()).contains { $0 == slash && $1 == slash }
    }

    private static func query(_ path: String) -> String? {
        path.firstIndex(of: "?").map { String(path[path.index(after: $0)...]) }
    }

    private func publicSide(of error: any Error, _ context: WebContext) -> Problem {
        switch error {
        case let error as any PublicError:
            let problem = error.problem
            if [Problem.internalError.code, Problem.storageFailed.code].contains(problem.code) {
                context.logger.error("internal failure", metadata: ["error": "\(type(of: error)) \(Loggable(error))"])
            }
            return problem
        case let error as HTTPError where error.status.kind == .clientError:
            return Problem(error.status, "bad_request", "The request could not be read.")
        case is NIOTooManyBytesError: return .bodyTooLarge(limit: context.maxUploadSize)
        default:
            // The type alone: the content of a foreign error could hold what a caller sent.
            context.logger.error("unexpected error", metadata: ["error": "\(type(of: error))"])
            return .internalError
        }
    }

    /// One line a request: the route's template, never the address, which a caller fills as they like. Refused
    /// authentication and failures stand out; what was done is only worth a debug line.
    private func log(_ request: Request, _ response: Response, _ context: WebContext, took: Duration) {
        let level: Logger.Level =
            switch response.status.code {
            case 500...: .error
            case 401, 403, 429: .notice
            default: .debug
            }
        context.logger.log(
            level: level, "request",
            metadata: [
                "method": "\(request.method.rawValue.prefix(16))",
                "route": "\(context.endpointPath ?? "none")",
                "status": "\(response.status.code)",
                "us": "\(took.components.seconds * 1_000_000 + took.components.attoseconds / 1_000_000_000_000)",
                "peer": "\(context.peer)",
                "client": "\(context.client?.description ?? "unknown")",
            ])
    }
}
