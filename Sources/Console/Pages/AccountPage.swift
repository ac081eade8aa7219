import Accounts
import Database
import Entrance
import Foundation
import Hummingbird
import Management
import Values
import Web

/// What a person sees of themselves: how they sign in, where they are signed in, and how they read.
struct AccountPage: View {
    struct Row: View {
        let endPath: String
        let began: Moment
        let lastSeen: Moment
        let ends: Moment
        let isCurrent: Bool
    }

    let email: String
    let role: String
    let account: String
    let factor: Status
    let hasFactor: Bool
    let sessions: [Row]
    let zone: String
}

extension Console {
    func declareAccount(_ routes: inout Routes) {
        page(&routes, "/account", for: .listSessions) { visit in
            let (user, _) = try await management.getSession(visit.caller)
            let (listing, current) = try await management.listSessions(
                visit.caller, Page(limit: Page.limits.upperBound))
            let account = try await management.getAccount(visit.caller, user.account).account
            let (strings, formats) = (visit.strings, visit.formats)
            let view = AccountPage(
                email: user.email,
                role: strings(user.isAdmin ? "role.admin" : user.role == .root ? "role.root" : "role.member"),
                account: account.name,
                factor: user.hasSecondFactor
                    ? Status(.good, .active, strings("account.factor_on"))
                    : Status(.off, .limit, strings("account.factor_off"), reason: strings("account.factor_why")),
                hasFactor: user.hasSecondFactor,
                sessions: listing.items.map {
                    AccountPage.Row(
                        endPath: "/console/account/sessions/\($0.id)/end", began: formats.moment($0.createdAt),
                        lastSeen: formats.moment($0.lastSeenAt), ends: formats.exactly($0.expiresAt),
                        isCurrent: $0.id == current)
                },
                zone: visit.preferences.zone?.identifier ?? "UTC")
            return try await visit.page("account", view, in: .account)
        }

        form(&routes, "/account/sessions/{session_id}/end", for: .endSession) { visit, _ in
            try await management.endSession(visit.caller, visit.identifier("session_id"))
            return visit.see("/console/account", Flash(.ended))
        }

        page(&routes, "/account/time-zone", for: .getSession) { visit in
            let chosen = visit.preferences.zone?.identifier ?? "UTC"
            let view = TimeZonePage(
                zones: (["UTC"] + TimeZone.knownTimeZoneIdentifiers).map {
                    TimeZonePage.Zone(name: $0, isChosen: $0 == chosen)
                })
            return try await visit.page("time-zone", view, in: .account)
        }

        declarePassword(&routes)
        declareSecondFactor(&routes)
    }
}

/// The zone whose times stand beside UTC.
struct TimeZonePage: View {
    struct Zone: View {
        let name: String
        let isChosen: Bool
    }

    let zones: [Zone]
}
