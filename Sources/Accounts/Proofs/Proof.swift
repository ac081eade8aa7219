/// What a person proves who they are with.
package struct Proof: Sendable {
    let password: Password
    /// From their authenticator, or a recovery code.
    let code: SecondFactorCode?

    /// Whether a code is part of it.
    package var hasCode: Bool { code != nil }

    package init(password: Password, code: SecondFactorCode?) {
        self.password = password
        self.code = code
    }
}

/// What a proof was held against has changed before it could be used.
package struct ProofOutdated: Error {}
