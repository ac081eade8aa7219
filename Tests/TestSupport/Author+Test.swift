package import Audit
package import Secrets
import Values

extension DeploymentSecrets {
    /// The same for every test, so that a database can be opened again.
    package static let test = DeploymentSecrets(master: Secret("master"), pepper: Secret("pepper"))
}

extension Author {
    /// Somebody, from nowhere.
    package static var test: Author {
        Author(actor: nil, address: "", chain: DeploymentSecrets.test.auditChain, entropy: .system)
    }
}
