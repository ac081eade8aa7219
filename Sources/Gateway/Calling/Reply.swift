import HTTP
import HTTPTypes
import JSON
import Line
import Logging
import Metering
import NIOCore
import Policy
import Values
import Wire

/// One answer of the data plane on its way out: what every answer carries, the refusals in the words of the dialect, and
/// the one line of the log.
struct Reply {
    let line: Line
    let logger: Logger
    let dialect: any ErrorDialect
    let method: String
    let requestID = RequestID.random()
    /// As the log names it.
    var route = "none"
    private let began = ContinuousClock.now

    init(to head: RequestHead, on line: Line, in dialect: any ErrorDialect, logger: Logger) {
        self.line = line
        self.dialect = dialect
        self.logger = logger
        method = head.method.rawValue
    }

    /// The head of an answer, with what all of them carry.
    func head(status: Int, length: Int?) -> AnswerHead {
        var head = AnswerHead(status: status, length: length)
        head.fields.fields(Self.common)
        try? head.fields.field("X-Request-Id", text: requestID)
        return head
    }

    /// An answer in JSON of our own making.
    func send(_ value: JSON) {
        let body = ByteBuffer(bytes: value.encoded())
        var head = head(status: 200, length: body.readableBytes)
        head.fields.field("Content-Type", "application/json")
        log(200)
        line.answer(head, body, isWhole: true)
    }

    /// The answer to what browsers ask before a call that a page of another origin makes (Fetch §3.3).
    func sendPreflight() {
        var head = head(status: 204, length: nil)
        head.fields.field("Access-Control-Allow-Methods", "GET, POST")
        // The wildcard does not stand for Authorization (Fetch §3.3.4).
        head.fields.field("Access-Control-Allow-Headers", "Authorization, *")
        head.fields.field("Access-Control-Max-Age", "3600")
        log(204)
        line.answer(head, nil, isWhole: true)
    }

    /// - Parameter receipt: more fields: what the call cost, which is nothing.
    /// - Returns: the stable code of the refusal.
    @discardableResult
    func refuse(_ error: any Error, _ receipt: HTTPFields = [:]) -> String {
        let problem = publicSide(of: error)
        let answer = dialect.answer(problem)
        var fields = answer.headers
        for field in receipt { fields[field.name] = field.value }
        let body = ByteBuffer(bytes: answer.body.encoded())
        var head = head(status: answer.status.code, length: body.readableBytes)
        head.add(fields)
        log(answer.status.code)
        line.answer(head, body, isWhole: true)
        return problem.code
    }

    func publicSide(of error: any Error) -> Problem {
        guard let error = error as? any PublicError else {
            // The type alone: the content of a foreign error could hold what a caller sent.
            logger.error("unexpected error", metadata: ["error": "\(type(of: error))", "request": "\(requestID)"])
            return .internalError
        }
        let problem = error.problem
        if [Problem.internalError.code, Problem.storageFailed.code].contains(problem.code) {
            logger.error(
                "internal failure",
                metadata: ["error": "\(type(of: error)) \(Loggable(error))", "request": "\(requestID)"])
        }
        return problem
    }

    /// One line a call. Refused authentication and failures stand out; a served call is only worth a debug line.
    func log(_ status: Int) {
        let level: Logger.Level =
            switch status {
            case 500...: .error
            case 401, 403, 429: .notice
            default: .debug
            }
        guard logger.logLevel <= level else { return }
        let took = ContinuousClock.now - began
        logger.log(
            level: level, "request",
            metadata: [
                "hb.request.id": "\(requestID)", "method": "\(method)", "route": "\(route)", "status": "\(status)",
                "us": "\(took.components.seconds * 1_000_000 + took.components.attoseconds / 1_000_000_000_000)",
                "peer": "\(line.peer?.description ?? "")", "client": "\(line.client?.description ?? "unknown")",
            ])
    }

    /// What a page of another origin may read (Fetch §3.3, CORS): every answer, for the key alone decides and no cookie
    /// counts here.
    private static let common: FieldBlock = {
        var fields = HTTPFields()
        fields.addCommon(requestID: "")
        fields[.requestID] = nil
        fields[.accessControlAllowOrigin] = "*"
        fields[.accessControlExposeHeaders] = "*"
        let block = try? FieldBlock { (writer) throws(UnwritableField) in
            for field in fields { try writer.add(field) }
        }
        guard let block else { preconditionFailure("our own fields can be written") }
        return block
    }()
}

extension HeadWriter {
    fileprivate mutating func add(_ field: HTTPField) throws(UnwritableField) {
        let name = Array(field.name.rawName.utf8)
        let value = Array(field.value.utf8)
        var written: Result<Void, UnwritableField> = .success(())
        name.withUnsafeBytes { name in
            value.withUnsafeBytes { value in
                do throws(UnwritableField) {
                    try self.field(named: name, bytes: value)
                } catch {
                    written = .failure(error)
                }
            }
        }
        try written.get()
    }
}
