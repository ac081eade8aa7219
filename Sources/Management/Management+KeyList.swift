import Accounts
import Credentials
import Database
import Metering
import Policy
package import Values

/// One page of an account's keys.
package struct KeyListing: Sendable {
    package let items: [KeyDetails]
    /// What to ask for the next page with; `nil` on the last one.
    package let next: KeyCursor?
}

/// How many keys an account has of those that it may have.
package struct KeySlots: Sendable {
    package let live: Int
    package let cap: Int
    /// Of this UTC day.
    package let creationsLeft: Int
}

/// Lists of keys.
extension Management {
    package func keySlots(_ caller: Caller) async throws(Refusal) -> KeySlots {
        try await perform(.listCredentials, caller) { domains, actor in
            let slots = try await domains.credentials.slots(of: actor.account)
            let cap = try await domains.accounts.account(actor.account).cap
            return KeySlots(
                live: slots.live, cap: cap.value, creationsLeft: max(0, DailyCreations.limit - slots.createdToday))
        }
    }

    /// How many keys that have not expired an account has, at most, unless a clock was wrong. So many more than asked for are
    /// read where it takes their credits to tell their status.
    private static let unexpired = CredentialCap.range.upperBound

    /// A page may have fewer keys than `limit`, even none, and a next one all the same.
    /// - Parameters:
    ///   - limit: how many keys at most, 1…100.
    ///   - cursor: ``KeyListing/next`` of the page before, of the same question; `nil` for the first page.
    package func listCredentials(
        _ caller: Caller, _ question: KeyListQuestion, limit: Int = Page.standardLimit, cursor: Text? = nil
    ) async throws(Refusal) -> KeyListing {
        try await perform(.listCredentials, caller) { domains, actor in
            // A key is not to be in an address, and its hint or its id finds it as well.
            if let search = question.search, domains.credentials.isKeyIn(search.text) {
                throw Refusal.invalid("search", "must not contain a key: search for its hint or its public id")
            }
            let start = try cursor.map { text throws(Refusal) in try KeyCursor.position(text, of: question) }
            let now = domains.clock.now()
            let run = try await domains.credentials.list(
                of: actor.account, question.filter, by: question.sort, after: start,
                atMost: question.needsMeters ? limit + Self.unexpired : limit, at: now)
            let meters = try await domains.metering.meters(
                of: run.items.map(\.id), in: actor.account, Month(of: now))
            let age = try await domains.rotationAge(of: actor.account)
            let keys = run.items.map { credential in
                KeyDetails(
                    credential: credential, meter: meters[credential.id] ?? KeyMeter(), rotationAge: age, at: now)
            }.filter { question.takes($0.status) }
            let items = Array(keys.prefix(limit))
            let last = keys.count > limit ? items.last : nil
            let next = last.map { KeyPosition(behind: $0.credential, in: question.sort) } ?? run.next
            return KeyListing(items: items, next: next.map { KeyCursor($0, of: question) })
        }
    }
}
