package import HTTPTypes
import Values

/// A language that the console speaks.
package enum Language: String, CaseIterable, Sendable {
    case english = "en"
    case simplifiedChinese = "zh-Hans"

    /// What it calls itself, in its own script; the same in every language.
    var ownName: String {
        switch self {
        case .english: "English"
        case .simplifiedChinese: "简体中文"
        }
    }

    /// The language that a browser asks for most (RFC 9110 §12.5.4); English when it asks for none that there is.
    package init(acceptLanguage headers: HTTPFields) {
        var best: (language: Language, weight: Int)?
        let header = headers[.acceptLanguage] ?? ""
        if header.utf8.count <= 1024 {
            for element in Text(header).lowercased.split(on: ",") {
                let parts = element.split(on: ";").map(\.trimmed)
                guard let language = Language(tag: parts[0]) else { continue }
                let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map(Self.thousandths) ?? 1000
                if weight > best?.weight ?? 0 { best = (language, weight) }
            }
        }
        self = best?.language ?? .english
    }

    /// - Parameter tag: in lower case. Readers of Traditional Chinese read the simplified script sooner than English.
    private init?(tag: Text) {
        switch tag.split(on: "-")[0] {
        case "en": self = .english
        case "zh": self = .simplifiedChinese
        default: return nil
        }
    }

    /// `q=0.75` as 750; what is no weight counts as the least.
    private static func thousandths(_ text: Text) -> Int {
        let digits = Array(text.utf8.dropFirst(2))
        guard let first = digits.first, first == 0x30 || first == 0x31 else { return 0 }
        if first == 0x31 { return 1000 }
        var weight = 0
        for place in 0..<3 {
            let digit = digits.count > place + 2 ? digits[place + 2] : 0x30
            guard (0x30...0x39).contains(digit) else { return 0 }
            weight = weight * 10 + Int(digit - 0x30)
        }
        return weight
    }
}
