import Crypto
import HTTP
import HTTPTypes
import Hummingbird
import NIOCore
import Values
import Web

/// The stylesheet, the script and the mark: each under an address that has the hash of its content, so that a browser keeps it for
/// good and never has an old one.
struct Assets: Sendable {
    struct Asset: Sendable {
        let path: String
        let type: String
        let plain: ByteBuffer
        let compressed: ByteBuffer?
        let tag: String

        fileprivate init(_ name: String, _ ending: String, _ type: String, _ bytes: [UInt8]) {
            let hash = SHA256.hash(data: bytes).prefix(10).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }.joined()
            path = "/console/assets/\(name).\(hash).\(ending)"
            self.type = type
            plain = ByteBuffer(bytes: bytes)
            compressed = Gzip.compressed(plain, level: 9)
            tag = "W/\"\(hash)\""
        }
    }

    let stylesheet = Asset("console", "css", "text/css; charset=utf-8", PackageResources.console_css)
    let mark = Asset("mark", "svg", "image/svg+xml", PackageResources.mark_svg)
    let script = Asset("console", "js", "text/javascript; charset=utf-8", PackageResources.console_js)

    func declare(_ routes: inout Routes) {
        routes.on(.get, "/console/assets/{name}") { request, _ in
            let path = Text(request.uri.path)
            guard let asset = [stylesheet, script, mark].first(where: { Text($0.path) == path }) else {
                throw Problem.notFound
            }
            return Self.answer(asset, request.headers)
        }
    }

    private static func answer(_ asset: Asset, _ headers: HTTPFields) -> Response {
        var fields: HTTPFields = [
            .contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable", .eTag: asset.tag,
            .vary: "Accept-Encoding",
        ]
        if headers[.ifNoneMatch].map({ Text($0).contains(Text(asset.tag)) }) ?? false {
            return Response(status: .notModified, headers: fields)
        }
        guard Gzip.isAccepted(headers), let compressed = asset.compressed else {
            return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: asset.plain))
        }
        fields[.contentEncoding] = "gzip"
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: compressed))
    }
}
