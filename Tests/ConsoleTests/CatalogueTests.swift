import Accounts
import Foundation
import Management
import TestSupport
import Testing
import Values

@testable import Console

@Suite("The texts of the console")
struct CatalogueTests {
    private let console: Console
    private let english: Strings
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Console")

    init() async throws {
        console = try ConsoleRouter(try .init()).console
        english = try #require(console.catalogues[.english])
    }

    private static func places(_ text: String) -> [String] {
        text.matches(of: /\{(\w+)\}/).map { String($0.output.1) }.sorted()
    }

    private static func sources(_ ending: String) throws -> [(name: String, text: String)] {
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return try (files?.allObjects as? [URL] ?? []).filter { $0.pathExtension == ending }.map {
            ($0.deletingPathExtension().lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
        }
    }

    @Test("every language has every text, with the same places", arguments: Language.allCases)
    func whole(language: Language) throws {
        let other = try #require(console.catalogues[language])
        #expect(Set(other.all.keys) == Set(english.all.keys))
        for (key, text) in english.all {
            let translated = other.all[key] ?? ""
            #expect(!translated.isEmpty, "\(key)")
            #expect(Set(Self.places(translated)).isSubset(of: Self.places(text)), "\(key)")
            #expect(translated.filter { $0 == "*" }.count % 2 == 0, "\(key)")
        }
    }

    @Test("every template is in the binary, and there is no other") func files() throws {
        let files = try Self.sources("mustache")
        #expect(files.count > 20)
        #expect(Set(files.map(\.name)) == Set(Templates.sources.map(\.name)))
    }

    @Test("a template has no word of its own, escapes nothing, and names texts that there are") func literals() throws {
        for (name, text) in try Self.sources("mustache") {
            #expect(!text.contains("{{{") && !text.contains("{{&"), "\(name)")
            for use in text.matches(of: /\{\{t\.([\w.]+)\}\}/) {
                #expect(english.all[String(use.output.1)] != nil, "\(name): \(use.output.1)")
            }
            // What is read: the text of elements, and of the attributes that are read out or shown.
            let plain = text.replacing(/\{\{[^}]*\}\}/, with: "")
            let words = plain.replacing(/<[^>]*>/, with: " ").matches(of: /\p{L}+/).map { String($0.output) }
            #expect(words.isEmpty, "\(name): \(words)")
            for attribute in plain.matches(of: /(?:title|alt|placeholder|aria-label)="([^"]*\p{L}[^"]*)"/) {
                Issue.record("\(name): \(attribute.output.1)")
            }
            #expect(!plain.contains(" style=") && !plain.contains(" onclick="), "\(name)")
        }
    }

    @Test("every text that the sources name is there") func named() throws {
        var count = 0
        for (name, text) in try Self.sources("swift") {
            for use in text.matches(of: /strings(?:\.rich)?\(\s*"([\w.]+)"/) where !use.output.1.hasSuffix(".") {
                count += 1
                #expect(english.all[String(use.output.1)] != nil, "\(name): \(use.output.1)")
            }
            for use in text.matches(of: /strings\.count\(\s*"([\w.]+)"/) {
                #expect(english.all[use.output.1 + ".one"] != nil && english.all[use.output.1 + ".other"] != nil)
            }
        }
        #expect(count > 30)
    }

    @Test("every refusal, every problem of a page, and every kind of what was done has a text") func closed() {
        for code in Refusal.Code.allCases { #expect(english.all["refusal." + code.rawValue] != nil, "\(code)") }
        for code in ["csrf_failed", "method_not_allowed", "body_too_large", "unsupported_media_type", "bad_request"] {
            #expect(english.all["refusal." + code] != nil, "\(code)")
        }
        for kind in Flash.Kind.allCases { #expect(english.all["flash." + kind.rawValue] != nil) }
        for place in Navigation.Place.allCases { #expect(english.all["nav." + place.rawValue] != nil) }
    }

    @Test("the rules of the fields that pages have are found by the domains' sentences")
    func rules() throws {
        let rules = [
            DisplayName.rule, EmailAddress.rule, Password.rule, SecondFactorCode.rule, GivenText.rule, Identifier.rule,
        ]
        let chinese = try #require(console.catalogues[.simplifiedChinese])
        for rule in rules {
            #expect(english.rule(rule).contains(rule.dropFirst()), "\(rule)")
            #expect(!chinese.rule(rule).contains("must"), "\(rule)")
        }
    }

    @Test("values go into their places as they are, and strong parts are told apart") func places() {
        let text = english("application.delete_title", ["name": "{name} * <b>"])
        #expect(text == "Delete “{name} * <b>” for ever?")
    }
}
