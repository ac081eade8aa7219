import Accounts
import Catalog
import Console
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
import NIOPosix
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

        /// By the name of this machine where that leads there: browsers keep what a sign-in needs for it without HTTPS.
        var console: String { address.replacing("://127.0.0.1:", with: "://localhost:") + "/console" }
    }

    let deployment: Deployment
    let settings: Settings
    let logger: Logger
    /// The places of calls under way.
    let places: Shares
    let connections: Shares
    let startedAt: Timestamp

    init(deployment: Deployment, settings: Settings, logger: Logger) {
        self.deployment = deployment
        self.settings = settings
        self.logger = logger
        let percent = settings.integer(.listenSharePercent)
        places = Shares(limit: settings.integer(.gatewayUpstreamConnections), percent: percent)
        connections = Shares(limit: settings.integer(.listenMaxConnections), percent: percent)
        startedAt = deployment.clock.now()
    }

    /// Callers, upstreams and all that is between them are on these event loops.
    var loops: MultiThreadedEventLoopGroup { .singleton }

    /// Serves until a signal comes or the task is cancelled. Calls under way get 15 seconds to end.
    func run(signals: [UnixSignal], onReady: @escaping @Sendable (Running) async -> Void) async throws {
        let upstreams = try await upstreams()
        do {
            try await deployment.metering.begin()
            let firstRun = try await FirstRun(deployment.accounts)
            var configuration = ServiceGroupConfiguration(
                services: [
                    try application(upstreams, firstRun, onReady),
                    UseRecorder(credentials: deployment.credentials, eventLoop: loops.any(), logger: logger),
                    Signals(logger: logger),
                ],
                gracefulShutdownSignals: signals, logger: logger)
            configuration.maximumGracefulShutdownDuration = .seconds(15)
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            try? await upstreams.close()
            if let failure = ListenFailure(error, host: host, port: settings.integer(.listenPort)) {
                throw Deployment.Failure(sentence: failure.sentence)
            }
            throw error
        }
        try await upstreams.close()
    }

    // MARK: Routes

    /// Everything that people may do.
    private func management(_ firstRun: FirstRun?, _ tester: any ProviderTester) -> Management {
        Management(
            accounts: deployment.accounts, catalog: deployment.catalog, applications: deployment.applications,
            credentials: deployment.credentials, metering: deployment.metering, calls: deployment.calls,
            audit: deployment.audit, tester: tester, firstRun: firstRun,
            writeRate: WriteRate(perMinute: settings.integer(.managementWritesPerMinute)), health: health,
            clock: deployment.clock)
    }

    /// The pages, over the same operations as the JSON API.
    func surfaces(_ firstRun: FirstRun?, _ tester: any ProviderTester) throws -> (routes: Routes, console: Console) {
        let management = management(firstRun, tester)
        let console = try Console(
            management, passes: deployment.pagePasses, entropy: .system, clock: deployment.clock)
        var routes = Routes()
        declareOperations(&routes)
        ManagementAPI(management).declare(&routes)
        console.declare(&routes)
        return (routes, console)
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
        // One copy for all who ask, also while they don't read it.
        let document = ByteBuffer(bytes: PackageResources.openapi_yaml)
        routes.on(.get, "/openapi.yaml") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/yaml; charset=utf-8"],
                body: ResponseBody(byteBuffer: document))
        }
    }

    // MARK: The port

    private var host: String { settings.text(.listenHost) ?? Setting.listenHost.standard }

    private func application(
        _ upstreams: UpstreamPools, _ firstRun: FirstRun?, _ onReady: @escaping @Sendable (Running) async -> Void
    ) throws -> some ApplicationProtocol {
        let (routes, console) = try surfaces(firstRun, ProviderProbe(upstreams: upstreams, loops: loops))
        let door = FrontDoor { [methods = routes.methods] path in
            methods.refusal(at: path) ?? .notFound
        } saying: { problem, request, context in
            Console.serves(request.uri.path)
                ? console.response(problem, request, context) : Response(ProblemDialect().answer(problem))
        }
        let responder = routes.router(behind: door).buildResponder()
        return Application(
            responder: responder,
            server: LineChannel.server(lines(gateway(upstreams), routed(responder))),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: settings.integer(.listenPort)),
                availableConnectionsDelegate: .maximum(settings.integer(.listenMaxConnections), logger: logger)),
            onServerRunning: { [host] channel in
                let port = channel.localAddress?.port ?? 0
                let name = host.contains(":") ? "[\(host)]" : host
                await onReady(Running(address: "http://\(name):\(port)", setUpToken: firstRun?.exposedToken()))
            },
            eventLoopGroupProvider: .shared(loops), logger: logger)
    }

    private func routed(_ responder: some HTTPResponder<WebContext>) -> RoutedResponder {
        let turns = RequestTurns(perAddress: settings.integer(.managementTurns))
        return RoutedResponder(responder, turns: turns, probes: ["/healthz", "/readyz"], logger: logger)
    }

    /// The connections of callers, and what each address may have of them.
    private func lines(_ gateway: Gateway, _ responder: RoutedResponder) -> Lines {
        Lines(
            dataPlane: gateway, responder: responder,
            proxies: TrustedProxies(settings.addresses(.listenTrustedProxies)), connections: connections,
            receiving: Shares(
                limit: settings.integer(.listenMaxReceivingBytes), percent: settings.integer(.listenSharePercent)),
            clock: deployment.clock)
    }
}
