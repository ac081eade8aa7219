import Applications
import Credentials
import Database
import Management
import Metering
import Policy
import Values

import struct Applications.Application

/// How pages say what a key is and how it stands.
extension Visit {
    func name(of key: KeyDetails) -> String {
        key.credential.name.isEmpty ? strings("key.unnamed") : key.credential.name
    }

    /// The word, then why and until when.
    func status(of key: KeyDetails, _ trend: RefusalTrend? = nil) -> Status {
        let credential = key.credential
        switch key.status {
        case .expired:
            let end = credential.terms.expiresAt.map(formats.exact) ?? ""
            return Status(.off, .expired, strings("key.expired"), reason: strings("key.expired_why", ["time": end]))
        case .disabled:
            guard let leak = credential.leakReportedAt else {
                return Status(.off, .hand, strings("key.disabled"), reason: strings("key.by_hand"))
            }
            return Status(
                .bad, .leak, strings("key.disabled"), reason: strings("key.leaked_why", ["date": formats.date(leak)]))
        case .exhausted:
            return Status(.warn, .limit, strings("key.disabled"), reason: strings("key.limit_used"))
        case .suspended:
            let next = formats.exact(Self.nextMonth(after: key.at))
            return Status(
                .warn, .month, strings("key.disabled"), reason: strings("key.month_used", ["time": next]))
        case .active:
            let hint = KeyHint.all(of: key, trend, formats).first
            return Status(.good, .active, strings("key.active"), reason: hint?.text, reasonTone: hint?.tone)
        }
    }

    /// The beginning of the next UTC month.
    static func nextMonth(after time: Timestamp) -> Timestamp {
        Month(number: Month(of: time).number + 1).days.lowerBound.start
    }

    /// One limit of a key, and how much of it is used.
    func quota(_ used: Credits, of limit: Credits, _ span: String, cost: Credits?, isOff: Bool = false) -> Quota {
        let rest = limit.subtracting(used) ?? .zero
        let isLow = Quota.percent(used, of: limit) > 90 || rest <= .zero
        return Quota(
            used: used, of: limit, left: left(rest, cost), span: strings(span),
            tone: isOff ? .off : isLow ? .warn : .good, formats)
    }

    /// The limit that stops the key first; `nil` for a key without limits.
    func quota(of key: KeyDetails, cost: Credits?) -> Quota? {
        let (terms, meter) = (key.credential.terms, key.meter)
        let bounds = [
            (used: meter.month.posted, limit: terms.monthlyLimit, span: "key.span_month"),
            (used: meter.usage.posted, limit: terms.creditLimit, span: "key.span_total"),
        ].compactMap { bound in
            bound.limit.map { (bound.used, $0, bound.span, left: $0.subtracting(bound.used) ?? .zero) }
        }
        guard let (used, limit, span, _) = bounds.min(by: { $0.left < $1.left }) else { return nil }
        return quota(
            used, of: limit, span, cost: cost, isOff: key.status == .disabled || key.status == .expired)
    }

    /// What is left, in calls where a call has a cost.
    func left(_ amount: Credits, _ cost: Credits?) -> String {
        guard let calls = KeyCosts.calls(for: amount, at: cost) else {
            return strings("key.credits_left", ["credits": formats.credits(max(.zero, amount))])
        }
        return strings.count("key.calls_left", calls, shown: formats.number(calls))
    }

    /// Which addresses a key may be used from, in short.
    func addresses(of key: KeyDetails) -> String {
        guard let addresses = key.credential.terms.addresses else { return strings("key.any") }
        if addresses.count == 1 { return addresses[0].text }
        return strings.count("key.ranges", addresses.count, shown: formats.number(addresses.count))
    }

    /// The word of an environment; one of the account's own is its word.
    func environment(_ environment: String) -> String {
        KeyEnvironment.usual.contains(environment) ? strings("environment." + environment) : environment
    }

    /// The apps that these keys open, and the first hundred of the account, by their identifiers.
    func applications(of keys: [KeyDetails] = []) async throws -> (all: [Application], found: [Identifier: Application])
    {
        let all = try await management.listApplications(caller, Page(limit: Page.limits.upperBound)).items
        var found = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { one, _ in one })
        for key in keys where found[key.credential.application] == nil {
            found[key.credential.application] = try await management.getApplication(
                caller, key.credential.application)
        }
        return (all, found)
    }
}
