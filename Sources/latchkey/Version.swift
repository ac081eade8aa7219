/// The version of the product, in this one place: `latchkey --version` prints it, `/healthz` tells it to admins, and a
/// test holds `info.version` of `openapi.yaml` to it.
enum Version {
    static let current = "0.1.0"
}
