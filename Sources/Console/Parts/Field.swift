/// One field of a form, for the partials `field` and `area`.
struct Field: View {
    var name: String
    var value: String
    var label: String
    var help: String?
    /// What is wrong with what was typed.
    var fault: String?
    var type: String
    /// What browsers and password managers fill it with (HTML §4.10.18.7).
    var autocomplete: String
    var isOptional: Bool
    var isRequired: Bool
    var hasFocus: Bool
    /// The least characters, which the browser asks for before it sends; `nil` for none.
    var least: Int?
}
