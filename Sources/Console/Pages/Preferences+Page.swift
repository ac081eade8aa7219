import HTTP
import Hummingbird
import Values
import Web

extension Console {
    /// How pages are shown, for anybody: the switches at the foot of every page.
    func declarePreferences(_ routes: inout Routes) {
        openForm(&routes, "/console/preferences") { visit, form in
            var settings: [String] = []
            if form.has("language") {
                guard let language = Language(rawValue: form.text("language").string) else {
                    throw Problem.invalid("language", "is none of the console's")
                }
                settings.append(Preferences.setting(Preferences.languageCookie, to: language.rawValue))
            }
            if form.has("theme") {
                let theme = Preferences.Theme(rawValue: form.text("theme").string)
                settings.append(Preferences.setting(Preferences.themeCookie, to: theme?.rawValue))
            }
            if form.has("zone") {
                let zone = form.text("zone")
                if !zone.isEmpty, Preferences.zone(zone) == nil {
                    throw Problem.invalid("zone", "must be the name of a time zone, such as Europe/Berlin")
                }
                settings.append(Preferences.setting(Preferences.zoneCookie, to: zone.isEmpty ? nil : zone.string))
            }
            var response = visit.see(visit.target(form.text("next")).text)
            response.headers[values: .setCookie] += settings
            return response
        }
    }
}
