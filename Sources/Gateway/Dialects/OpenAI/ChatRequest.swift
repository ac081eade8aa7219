import HTTP
import JSON
import NIOCore
import Values

/// The body of a chat completion call, as far as the gateway must understand it. Everything else in it belongs to the
/// caller and the upstream, and passes as it came: what the upstream gets is the caller's bytes with a few places changed
/// (see `ChatRequest+Upstream`), never a text that was written anew.
///
/// It is read once, and holds the bytes and some places in them: its memory doesn't depend on what is in the body.
struct ChatRequest: DialectCall {
    /// As it came.
    let body: ByteBuffer
    /// Where in the body everything is.
    let places: ChatPlaces

    /// The model that the caller named. One that is too long to be any is cut.
    var model: Text? { places.model }
    var isStream: Bool { places.isStream }
    /// Whether the end of a stream is to say what was used.
    var wantsUsage: Bool { places.wantsUsage }

    /// - Throws: `malformed_json` for what is no JSON object, or `invalid_request` with the field.
    init(_ body: ByteBuffer) throws(Problem) {
        // Places count from the first byte.
        let body = body.slice()
        self.body = body
        places = try body.withUnsafeReadableBytes { bytes throws(Problem) in
            let outline: JSONOutline
            do throws(JSONError) {
                outline = try JSONOutline(bytes)
            } catch {
                throw Problem.malformedJSON(error)
            }
            return try ChatPlaces(outline)
        }
    }

    /// Looks at the body again. It was checked once, and is the same ever since.
    func withOutline<R>(_ look: (JSONOutline) -> R) -> R {
        body.withUnsafeReadableBytes { look(JSONOutline(checked: $0)) }
    }

    /// Whether the caller's body has a member of this name.
    func hasMember(_ name: Text) -> Bool {
        withOutline { outline in
            var cursor = outline.cursor()
            guard cursor.enter() else { return false }
            repeat {
                if outline.string(cursor.name(), is: name) { return true }
                cursor.skip()
            } while cursor.next()
            return false
        }
    }
}
