/// One field of a draft that broke one rule.
///
/// The bottom floor has it, because rules stand on every floor and each of them must be able to name the field: what
/// reads JSON, what knows the parameters of a chat, what knows an account's caps. How it is shown is for the surfaces.
package struct InvalidField: Error, Sendable, Equatable {
    /// As callers write it, with a path where it lies deeper: `models[3]`, `parameters.top_p`.
    package let field: String
    /// The end of a public sentence that begins with the field: "must be …", "is required".
    package let rule: String

    package init(_ field: String, _ rule: String) {
        self.field = field
        self.rule = rule
    }
}
