import Management

/// The entries of the rail, in their order. An entry stands here once its page is there.
enum Navigation {
    enum Place: String, CaseIterable, Sendable {
        case applications, keys, usage, members, audit
        case accounts, providers, groups, health
        case account

        var path: String { "/console/" + rawValue }

        /// What somebody must be allowed to do to see it.
        var operation: Operation {
            switch self {
            case .applications: .listApplications
            case .keys: .listCredentials
            case .usage: .getUsage
            case .members: .listUsers
            case .audit: .listAudit
            case .accounts: .listAccounts
            case .providers: .listProviders
            case .groups: .getGroup
            case .health: .getDeploymentHealth
            case .account: .getSession
            }
        }

        /// The name of its symbol in the partial `icons`.
        var icon: String {
            switch self {
            case .applications: "door"
            case .keys: "key"
            case .usage: "chart"
            case .members: "people"
            case .audit: "list"
            case .accounts: "building"
            case .providers: "cloud"
            case .groups: "tags"
            case .health: "pulse"
            case .account: "person"
            }
        }

        /// Whether it is for operators of the deployment.
        var isForAdmin: Bool { [.accounts, .providers, .groups, .health].contains(self) }
    }

    struct Shown: View {
        let path: String
        let name: String
        let icon: String
        let isCurrent: Bool
        let isForAdmin: Bool
    }

    static func shown(to visit: Visit, at place: Place?) -> [Shown] {
        Place.allCases.filter { visit.may($0.operation) }.map {
            Shown(
                path: $0.path, name: visit.strings("nav." + $0.rawValue), icon: $0.icon, isCurrent: $0 == place,
                isForAdmin: $0.isForAdmin)
        }
    }
}
