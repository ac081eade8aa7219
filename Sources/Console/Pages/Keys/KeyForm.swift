import Credentials
import Values

/// A new key, or one that is changed.
struct KeyForm: View {
    /// An app that a new key may open.
    struct DoorChoice: View {
        let value: String
        let name: String
        /// What a call costs before the multiplier of a group, for the script; empty where there is no price.
        let price: String
        let isChosen: Bool
    }

    struct Limit: View {
        let field: Field
        /// What was typed in calls.
        let worth: String
    }

    struct Expiry: View {
        let value: String
        let name: String
        let isChosen: Bool
        /// When that would be; `nil` for never and for a date.
        let ends: String?
    }

    struct GroupChoice: View {
        let value: String
        let name: String
        let multiplier: String
        let isChosen: Bool
    }

    struct ModelChoice: View {
        let name: String
        let isChosen: Bool
    }

    struct Suggestion: View {
        let value: String
    }

    let title: String
    let lead: String
    let action: String
    let button: String
    let backPath: String
    let foot: String
    let failure: String?
    let name: Field
    let isNew: Bool
    let doors: [DoorChoice]
    let doorFault: String?
    /// What the key opens that is changed, and the price of a call there.
    let door: Door?
    let price: String
    let isRevealable: Bool
    /// Of a key that is changed.
    let isEnabled: Bool
    let revealFault: String?
    let limits: [Limit]
    let expiries: [Expiry]
    let expiredAt: Field
    let zone: String
    let summary: String
    let showsRestrictions: Bool
    let models: [ModelChoice]
    let modelFault: String?
    /// It shows models that are ticked, so that a key for all models is asked for by a box of its own.
    let hasRestriction: Bool
    let isForAllModels: Bool
    let addresses: Field
    let host: Field
    let groups: [GroupChoice]
    let groupFault: String?
    let labels: Field
    let environment: Field
    let environments: [Suggestion]
    /// What it showed before anybody typed.
    let marks: [Form.Carried]
}
