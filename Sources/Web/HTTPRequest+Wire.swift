import HTTPTypes
import NIOCore
import Wire

extension HTTPRequest {
    /// The same head in the words of Hummingbird. The host has its own place and is none of the fields.
    init(_ head: RequestHead) {
        var path = String(decoding: head.path, as: UTF8.self)
        if let query = head.query { path += "?" + String(decoding: query, as: UTF8.self) }
        var fields = HTTPFields()
        fields.reserveCapacity(head.fields.count)
        head.fields.forEachBytes { name, value in
            guard let name = HTTPField.Name(String(decoding: name, as: UTF8.self)), name.canonicalName != "host" else {
                return
            }
            fields.append(HTTPField(name: name, value: String(decoding: value, as: UTF8.self)))
        }
        self.init(
            method: Method(head.method), scheme: "http",
            authority: head.host.map { String(decoding: $0, as: UTF8.self) }, path: path, headerFields: fields)
    }
}

extension HTTPRequest.Method {
    fileprivate init(_ method: RequestMethod) {
        switch method {
        case .get: self = .get
        case .post: self = .post
        default: self = HTTPRequest.Method(method.rawValue) ?? .get
        }
    }
}
