import Secrets

/// A secret in the one answer that has it.
struct ShownOnce: View {
    let title: String
    let lead: String
    let secret: SecretBox
    /// What to do with it.
    let help: Rich
    let donePath: String
}
