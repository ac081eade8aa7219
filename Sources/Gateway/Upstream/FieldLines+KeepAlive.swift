import NIOCore
import Wire

extension FieldLines {
    /// How long the other side keeps an idle connection, less a second for the way: `Keep-Alive: timeout=5`, as Node's servers
    /// and others send it (RFC 2068 §19.7.1). `nil`: it doesn't say.
    var keepAlive: TimeAmount? {
        guard let value = first("keep-alive") else { return nil }
        let name = Array("timeout=".utf8)
        for part in value.prefix(64).split(separator: UInt8(ascii: ",")) {
            let part = part.drop { $0 == UInt8(ascii: " ") }
            guard part.prefix(name.count).elementsEqual(name) else { continue }
            let digits = part.dropFirst(name.count).prefix { (0x30...0x39).contains($0) }.prefix(6)
            return digits.isEmpty ? nil : .seconds(digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) } - 1)
        }
        return nil
    }
}
