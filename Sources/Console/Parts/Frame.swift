import Management
import Values

/// What stands around every page.
struct Frame: View {
    /// Who is signed in.
    struct Person: View {
        let email: String
        let account: String
        let balance: String
        /// How many calls that is, where all models cost the account the same.
        let calls: String?
    }

    struct LanguageChoice: View {
        let tag: String
        let name: String
        let isCurrent: Bool
    }

    struct ThemeChoice: View {
        let value: String
        let name: String
        let isCurrent: Bool
    }

    let language: String
    let theme: String?
    let stylesheet: String
    let script: String
    let mark: String
    let entries: [Navigation.Shown]
    let adminEntries: [Navigation.Shown]
    let hasAdminEntries: Bool
    /// Those of the bottom bar of a narrow screen.
    let firstEntries: [Navigation.Shown]
    let languages: [LanguageChoice]
    let themes: [ThemeChoice]
    var person: Person?
    /// What was just done.
    var said: String?

    init(_ visit: Visit, _ place: Navigation.Place?) {
        let (strings, preferences, assets) = (visit.strings, visit.preferences, visit.console.assets)
        language = preferences.language.rawValue
        theme = preferences.theme?.rawValue
        stylesheet = assets.stylesheet.path
        script = assets.script.path
        mark = assets.mark.path
        let all = visit.caller.actor == nil ? [] : Navigation.shown(to: visit, at: place)
        entries = all.filter { !$0.isForAdmin }
        adminEntries = all.filter(\.isForAdmin)
        hasAdminEntries = !adminEntries.isEmpty
        firstEntries = Array(entries.prefix(3))
        languages = Language.allCases.map {
            LanguageChoice(tag: $0.rawValue, name: $0.ownName, isCurrent: $0 == preferences.language)
        }
        themes = ([nil] + Preferences.Theme.allCases).map { theme in
            let value = theme?.rawValue ?? "system"
            return ThemeChoice(value: value, name: strings("theme." + value), isCurrent: theme == preferences.theme)
        }
    }
}
