package import Accounts
package import Applications
package import Audit
package import Calls
package import Catalog
package import Credentials
package import Metering
package import Values

/// Every operation of the platform: what people and their tools may do, whichever way they ask.
///
/// One function per operation, `(Caller, draft) → value`. It holds the operation's permission, the rules of its draft, its
/// use case and its entry in the audit record, and throws one closed type, ``Refusal``. The JSON API decodes a body into a
/// draft and the console decodes a form into the same one; neither holds a rule, so they can't disagree.
///
/// The domains are reached only through ``perform(_:_:in:_:)``, which asks for the permission first: an operation that
/// asks for none can't do anything. This room may not know HTTP, JSON or SQL.
package struct Management: Sendable {
    /// The rooms below, for whoever was let through.
    struct Domains: Sendable {
        let accounts: Accounts
        let catalog: Catalog
        let applications: Applications
        let credentials: Credentials
        let metering: Metering
        let calls: Calls
        let audit: Audit
        let tester: any ProviderTester
        /// Set while nobody has been here yet.
        let firstRun: FirstRun?
        /// Measures what is above this room too.
        let health: @Sendable () async -> Health
        let clock: Clock
    }

    private let domains: Domains
    private let writeRate: WriteRate
    let testRate = WriteRate(perMinute: testsPerMinute)

    package init(
        accounts: Accounts, catalog: Catalog, applications: Applications, credentials: Credentials, metering: Metering,
        calls: Calls, audit: Audit, tester: any ProviderTester, firstRun: FirstRun?, writeRate: WriteRate,
        health: @escaping @Sendable () async -> Health, clock: Clock
    ) {
        self.writeRate = writeRate
        domains = Domains(
            accounts: accounts, catalog: catalog, applications: applications, credentials: credentials,
            metering: metering, calls: calls, audit: audit, tester: tester, firstRun: firstRun, health: health,
            clock: clock)
    }

    /// Does one operation for a caller who may.
    /// - Parameters:
    ///   - account: whose affairs the operation is about, where its needs depend on that.
    ///   - isBrake: that this time it only takes power away, so it goes at whatever rate. It must write nothing when it
    ///     changes nothing.
    ///   - work: what it does; whatever it throws becomes a ``Refusal``.
    func perform<T>(
        _ operation: Operation, _ caller: Caller, in account: Identifier? = nil, isBrake: Bool = false,
        _ work: (Domains, Actor) async throws -> T
    ) async throws(Refusal) -> T {
        let now = domains.clock.now()
        let actor = try operation.admit(caller, account: account, at: now)
        if operation.isPaced, !isBrake, let seconds = writeRate.take(from: actor.account, at: now) {
            throw .tooManyChanges(retryAfter: seconds)
        }
        do {
            return try await work(domains, actor)
        } catch {
            throw Refusal(error)
        }
    }

    /// Whether a caller may do an operation, for who wants to know before a long body is read or a page is drawn. The
    /// operation asks again.
    package func check(
        _ operation: Operation, _ caller: Caller, in account: Identifier? = nil
    ) throws(Refusal) {
        if operation.needs.isEmpty { return }
        _ = try operation.admit(caller, account: account, at: domains.clock.now())
    }

    /// Does one of the few operations that anybody may ask for.
    func performOpen<T>(
        _ operation: Operation, _ work: (Domains) async throws -> T
    ) async throws(Refusal) -> T {
        guard operation.needs.isEmpty else { throw .unauthenticated(presented: false) }
        do {
            return try await work(domains)
        } catch {
            throw Refusal(error)
        }
    }
}

// MARK: Who calls

extension Management {
    /// The caller that nobody knows yet.
    /// - Parameter address: `nil` when it can't be known.
    package func stranger(at address: IPAddress?) -> Caller {
        Caller(
            actor: nil, address: address,
            author: domains.audit.author(actor: nil, address: address?.description ?? "unknown"))
    }

    /// The caller whom a session or a platform token speaks for.
    package func caller(_ actor: Actor, at address: IPAddress?) -> Caller {
        Caller(
            actor: actor, address: address,
            author: domains.audit.author(actor: actor.user.id, address: address?.description ?? "unknown"))
    }

    /// Whom a credential speaks for.
    /// - Throws: `unauthenticated` when it is none of ours, or no longer.
    package func actor(_ credential: CallerCredential, from address: IPAddress?) async throws(Refusal) -> Actor {
        do {
            let actor =
                switch credential {
                case .session(let token): try await domains.accounts.actor(sessionToken: token)
                case .platformToken(let token): try await domains.accounts.actor(platformToken: token)
                }
            guard let actor else { throw Refusal.unauthenticated(presented: true) }
            return actor
        } catch {
            throw Refusal(error)
        }
    }
}
