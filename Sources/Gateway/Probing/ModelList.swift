import Catalog
import JSON
import NIOCore
import Secrets
import Values

/// The answer to `GET /models` in OpenAI's manner: an object with `data`, or, as some providers send it, the bare array.
enum ModelList {
    /// How many names are told at most.
    static let told = 10

    /// - Parameters:
    ///   - body: at most as long as a probe takes.
    ///   - secret: a name that has it is not told: an upstream may answer with what it was sent.
    /// - Returns: `nil` for anything else than a list of objects that each have an `id`.
    static func read(_ body: ByteBuffer, without secret: Secret?) -> ProviderTest.Models? {
        guard let json = try? JSON.parse(body.readableBytesView), let list = json.array ?? json.object?["data"]?.array
        else { return nil }
        var names: [String] = []
        for entry in list {
            guard let id = entry.object?["id"]?.string else { return nil }
            guard names.count < told, let name = ModelName(id)?.text, !has(name, secret) else { continue }
            names.append(name)
        }
        return ProviderTest.Models(count: list.count, names: names)
    }

    private static func has(_ name: String, _ secret: Secret?) -> Bool {
        guard let secret else { return false }
        var name = name
        return name.withUTF8 { name in secret.withBytes { UnsafeRawBufferPointer(name).contains($0) } }
    }
}
