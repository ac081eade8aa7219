/// Environment variables that begin with `LATCHKEY_` and are no setting.
///
/// Some are nobody's mistake: for each Service of its namespace, Kubernetes puts the address into the environment of
/// every container, and for a Service named `latchkey` these are `LATCHKEY_SERVICE_HOST`, `LATCHKEY_PORT` and more
/// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
struct UnknownVariables: Equatable {
    /// Those that somebody must have meant for latchkey, in order.
    let names: [String]
    /// Those that Kubernetes sets, in order.
    let ofKubernetes: [String]

    init(_ environment: [String: String]) {
        let settings = Set(Setting.allCases.map(\.environmentName))
        let unknown = environment.filter { $0.key.hasPrefix(Setting.environmentPrefix) && !settings.contains($0.key) }
        names = unknown.filter { !Self.isOfKubernetes($0.key, $0.value) }.keys.sorted()
        ofKubernetes = unknown.filter { Self.isOfKubernetes($0.key, $0.value) }.keys.sorted()
    }

    /// What to tell about ``names``, in one line; `nil` when there are none.
    var sentence: String? {
        if names.isEmpty { return nil }
        let told = names.prefix(Self.mostTold).map { name in
            Self.shown(name) + (Setting.meant(by: name).map { " (did you mean \($0.environmentName)?)" } ?? "")
        }
        let rest = names.count > told.count ? ", and \(names.count - told.count) more" : ""
        return "No setting of latchkey has the name of the environment variable"
            + (names.count == 1 ? " " : "s ") + told.joined(separator: ", ") + rest + "."
    }

    private static let mostTold = 8

    /// A name is the environment's to choose; a line of a log is not the place for all of it.
    private static func shown(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(80).filter { (0x21...0x7E).contains($0.value) }))
    }

    /// Whether Kubernetes sets a variable of this name to such a value, for a Service that is named `latchkey` or that
    /// has a name with this word in front.
    private static func isOfKubernetes(_ name: String, _ value: String) -> Bool {
        if name.hasSuffix("_PORT"), Setting.isServiceAddress(value) { return true }
        let words = name.split(separator: "_", omittingEmptySubsequences: false).dropFirst()
        for place in words.indices {
            switch words[place...].prefix(2) {
            // …_SERVICE_HOST, …_SERVICE_PORT and …_SERVICE_PORT_ with the name of a port.
            case ["SERVICE", "HOST"]: if place + 2 == words.endIndex { return true }
            case ["SERVICE", "PORT"]: return true
            // …_PORT_8080_TCP, alone and with _PROTO, _PORT or _ADDR.
            case let pair where pair.first == "PORT" && pair.count == 2 && pair.last?.isNumber == true:
                let rest = words[place...].dropFirst(2)
                let ending = rest.dropFirst()
                if ["TCP", "UDP", "SCTP"].contains(rest.first),
                    ending.isEmpty || (ending.count == 1 && ["PROTO", "PORT", "ADDR"].contains(ending.first))
                {
                    return true
                }
            default: break
            }
        }
        return false
    }
}

extension Substring {
    fileprivate var isNumber: Bool { !isEmpty && utf8.allSatisfy { (0x30...0x39).contains($0) } }
}
