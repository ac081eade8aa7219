import HTTP
package import HTTPTypes
import JSON
import NIOCore
import Wire

extension AnswerHead {
    /// A refusal of the line's own. The path may be lost with the head, so the body says it in both shapes.
    static func refusal(_ problem: Problem) -> (AnswerHead, ByteBuffer) {
        var fields = ProblemDialect().answer(problem).headers
        fields.addCommon(requestID: RequestID.random())
        let body = ByteBuffer(bytes: JSON.object(problem.inBothShapes).encoded())
        var head = AnswerHead(status: problem.status.code, length: body.readableBytes)
        head.add(fields)
        return (head, body)
    }

    /// Adds fields of our own making. One that can't be written is left out: it would be a defect, and a broken head a
    /// worse one.
    package mutating func add(_ more: HTTPFields) {
        for field in more {
            var name = field.name.rawName
            var value = field.value
            name.withUTF8 { name in
                value.withUTF8 { value in
                    try? fields.field(named: UnsafeRawBufferPointer(name), bytes: UnsafeRawBufferPointer(value))
                }
            }
        }
    }
}
