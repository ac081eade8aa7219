import Accounts
import AsyncHTTPClient
import Database
import Gateway
import HTTP
import HTTPTypes
import Hummingbird
import JSON
import Line
import Logging
import Management
import ManagementAPI
import Metering
import NIOCore
import NIOHTTPCompression
import ServiceLifecycle
import UnixSignals
import Values
import Web

/// A deployment on a port: routes, limits, and an orderly end.
struct Server: Sendable {
    /// What is known once the server accepts calls.
    struct Running: Sendable {
        let address: String
        /// For the operator's terminal; `nil` once there is a user.
        let setUpToken: String?
    }

    let deployment: Deployment
    let settings: Settings
    let logger: Logger
    private let callers = Callers()

    init(deployment: Deployment, settings: Settings, logger: Logger) {
        self.deployment = deployment
        self.settings = settings
        self.logger = logger
    }

    /// Serves until a signal comes or the task is cancelled. Calls under way get 15 seconds to end.
    func run(signals: [UnixSignal], onReady: @escaping @Sendable (Running) async -> Void) async throws {
        let authorities = try authorities()
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: clientConfiguration(authorities))
        do {
            try await deployment.metering.begin()
            let firstRun = try await FirstRun(deployment.accounts)
            let application = application(client, firstRun, onReady)
            var configuration = ServiceGroupConfiguration(
                services: [
                    application,
                    UseRecorder(
                        credentials: deployment.credentials, eventLoop: client.eventLoopGroup.any(), logger: logger),
                    Signals(logger: logger),
                ],
                gracefulShutdownSignals: signals, logger: logger)
            configuration.maximumGracefulShutdownDuration = .seconds(15)
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            try? await client.shutdown()
            if let failure = ListenFailure(error, host: host, port: settings.integer(.listenPort)) {
                throw Deployment.Failure(sentence: failure.sentence)
            }
            throw error
        }
        try await client.shutdown()
    }

    // MARK: Routes

    /// Everything that is served.
    func routes(_ client: HTTPClient, _ firstRun: FirstRun?) -> Routes {
        var routes = Routes()
        declareOperations(&routes)
        ManagementAPI(
            Management(
                accounts: deployment.accounts, catalog: deployment.catalog, applications: deployment.applications,
                credentials: deployment.credentials, metering: deployment.metering, admission: deployment.admission,
                audit: deployment.audit, firstRun: firstRun,
                writeRate: WriteRate(perMinute: settings.integer(.managementWritesPerMinute)), clock: deployment.clock)
        ).declare(&routes)
        gateway(client).declare(&routes)
        return routes
    }

    /// Everything that is served, as it is served.
    private func router(_ routes: Routes) -> Router<WebContext> {
        routes.router(
            behind: FrontDoor(
                dialect: { path in
                    if Gateway.serves(path: path) { return OpenAIDialect() }
                    return ProblemDialect()
                },
                absent: { [methods = routes.methods] path in
                    methods.refusal(at: path) ?? Gateway.absence(at: path) ?? .notFound
                }))
    }

    private func declareOperations(_ routes: inout Routes) {
        routes.on(.get, "/healthz") { [accounts = deployment.accounts] request, _ in
            // The version tells a stranger which holes to try, so only an admin's token gets it. Whatever is wrong with
            // a token, the process is healthy.
            guard case .token(let token) = BearerCredential(request.headers),
                let caller = try? await accounts.actor(platformToken: token), caller.user.isAdmin
            else { return .json(["status": "ok"]) }
            return .json(["status": "ok", "version": .string(Version.current)])
        }
        routes.on(.get, "/readyz") { [database = deployment.database] _, _ in
            _ = try await database.read { try $0.row("SELECT 1 AS one") != nil }
            return .json(["status": "ready"])
        }
        routes.on(.get, "/openapi.yaml") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/yaml; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_yaml)))
        }
    }

    private func gateway(_ client: HTTPClient) -> Gateway {
        var limits = Gateway.Limits()
        limits.requestBytes = settings.integer(.gatewayMaxRequestBytes)
        var bounds = Upstreams.Limits()
        bounds.idle = .milliseconds(Int64(settings.integer(.gatewayIdleTimeoutMs)))
        bounds.total = .milliseconds(Int64(settings.integer(.gatewayTotalTimeoutMs)))
        bounds.responseBytes = settings.integer(.gatewayMaxResponseBytes)
        return Gateway(
            admission: deployment.admission, credentials: deployment.credentials, catalog: deployment.catalog,
            metering: deployment.metering,
            upstreams: Upstreams(client: client, limits: bounds, clock: deployment.clock),
            places: CallPlaces(
                Shares(
                    limit: settings.integer(.gatewayUpstreamConnections),
                    percent: settings.integer(.listenSharePercent))),
            callers: callers,
            clock: deployment.clock,
            limits: limits)
    }

    // MARK: HTTP

    private var host: String { settings.text(.listenHost) ?? Setting.listenHost.standard }

    private func application(
        _ client: HTTPClient, _ firstRun: FirstRun?, _ onReady: @escaping @Sendable (Running) async -> Void
    ) -> some ApplicationProtocol {
        let responder = router(routes(client, firstRun)).buildResponder()
        let lines = lines(RoutedResponder(responder, callers: callers, logger: logger) { Gateway.serves(path: $0) })
        return Application(
            responder: responder,
            server: LineChannel.server(lines),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: settings.integer(.listenPort)),
                availableConnectionsDelegate: .maximum(settings.integer(.listenMaxConnections), logger: logger)),
            onServerRunning: { [host] channel in
                let port = channel.localAddress?.port ?? 0
                let name = host.contains(":") ? "[\(host)]" : host
                await onReady(Running(address: "http://\(name):\(port)", setUpToken: firstRun?.exposedToken()))
            },
            logger: logger)
    }

    /// The connections of callers, and what each address may have of them.
    private func lines(_ responder: RoutedResponder) -> Lines {
        let percent = settings.integer(.listenSharePercent)
        return Lines(
            dataPlane: nil, responder: responder,
            proxies: TrustedProxies(settings.addresses(.listenTrustedProxies)),
            connections: Shares(limit: settings.integer(.listenMaxConnections), percent: percent),
            receiving: Shares(limit: settings.integer(.listenMaxReceivingBytes), percent: percent),
            clock: deployment.clock)
    }

    private func authorities() throws(Settings.Failure) -> TrustedAuthorities {
        do {
            let authorities = try TrustedAuthorities(
                replacement: settings.systemAuthorities, addition: settings.text(.gatewayCAFile),
                name: "\(Setting.gatewayCAFile.rawValue), \(Setting.gatewayCAFile.environmentName)")
            if authorities.isEmpty {
                logger.notice(
                    """
                    this machine has no certificates of authorities, so no provider can be called over https: install \
                    ca-certificates, or set \(Setting.gatewayCAFile.rawValue)
                    """)
            }
            return authorities
        } catch {
            throw Settings.Failure(sentence: error.sentence)
        }
    }

    private func clientConfiguration(_ authorities: TrustedAuthorities) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        authorities.use(in: &configuration)
        // A redirect names an address that no admin configured (GHSA-9f46-w24h-69w4).
        configuration.redirectConfiguration = .disallow
        // They are asked for plain bytes; some compress all the same, and what can't be read is no answer.
        configuration.decompression = .enabled(limit: .ratio(100))
        configuration.timeout.connect = .milliseconds(Int64(settings.integer(.gatewayConnectTimeoutMs)))
        configuration.timeout.read = .milliseconds(Int64(settings.integer(.gatewayIdleTimeoutMs)))
        // A refused connection is known at once; trying again until the timeout would only tell it later.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit =
            settings.integer(.gatewayUpstreamConnections)
        // Shorter than what servers commonly keep an idle connection for, so that ours is rarely the one that is gone.
        configuration.connectionPool.idleTimeout = .seconds(30)
        return configuration
    }
}
