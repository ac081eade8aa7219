import Dispatch
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Finds the addresses of host names, with the system's own means (`getaddrinfo`), which block.
///
/// A name whose servers don't answer blocks a thread for many seconds, however soon its callers give up. SwiftNIO's own
/// look-ups stand in one line per event loop, so one such name would keep every other upstream from new connections. Here
/// each name has its own thread while it is looked up, and all that ask for it meanwhile share the answer.
final class HostLookup: Sendable {
    /// Names that are looked up at once. Admins alone name hosts, so that there are more is a mishap.
    private static let most = 32

    struct Addresses: Sendable {
        var v4: [SocketAddress] = []
        var v6: [SocketAddress] = []
    }

    /// There is no address, or too many names are being looked up.
    struct Failure: Error {}

    private typealias Answer = @Sendable (Result<Addresses, Failure>) -> Void
    private let underWay = Mutex<[String: [Answer]]>([:])
    private let queue = DispatchQueue(label: "host look-ups", attributes: .concurrent)
    private let find: @Sendable (String) -> Result<Addresses, Failure>

    /// - Parameter find: may block.
    init(find: @escaping @Sendable (String) -> Result<Addresses, Failure> = HostLookup.find) { self.find = find }

    /// - Returns: addresses without a port.
    func addresses(of host: String, on eventLoop: any EventLoop) -> EventLoopFuture<Addresses> {
        let promise = eventLoop.makePromise(of: Addresses.self)
        let answer: Answer = { promise.completeWith($0.mapError { $0 as any Error }) }
        let isBegun = underWay.withLock { underWay in
            let isNew = underWay[host] == nil
            if isNew, underWay.count >= Self.most { return nil as Bool? }
            underWay[host, default: []].append(answer)
            return isNew
        }
        switch isBegun {
        case nil: promise.fail(Failure())
        case false?: break
        case true?:
            queue.async { [self] in
                let result = find(host)
                for answer in underWay.withLock({ $0.removeValue(forKey: host) }) ?? [] { answer(result) }
            }
        }
        return promise.futureResult
    }

    private static func find(_ host: String) -> Result<Addresses, Failure> {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_protocol = CInt(IPPROTO_TCP)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return .failure(Failure()) }
        defer { freeaddrinfo(list) }
        var addresses = Addresses()
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let address = entry.ai_addr else { continue }
            switch entry.ai_family {
            case AF_INET:
                address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    addresses.v4.append(SocketAddress($0.pointee, host: host))
                }
            case AF_INET6:
                address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    addresses.v6.append(SocketAddress($0.pointee, host: host))
                }
            default: continue
            }
        }
        return .success(addresses)
    }

    /// For one connection: `ClientBootstrap` asks for both families and tries them as RFC 8305 says.
    func resolver(on eventLoop: any EventLoop) -> any Resolver & Sendable {
        ConnectionResolver(lookup: self, eventLoop: eventLoop)
    }
}

/// The look-up that one connection makes. It asks once, though `ClientBootstrap` asks for each family.
private final class ConnectionResolver: Resolver, Sendable {
    private let lookup: HostLookup
    private let v4: EventLoopPromise<[SocketAddress]>
    private let eventLoop: any EventLoop

    init(lookup: HostLookup, eventLoop: any EventLoop) {
        self.lookup = lookup
        self.eventLoop = eventLoop
        v4 = eventLoop.makePromise()
    }

    /// `ClientBootstrap` asks for this family first (`HappyEyeballs.swift`).
    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        let addresses = lookup.addresses(of: host, on: eventLoop)
        addresses.map { $0.v4.map { $0.with(port: port) } }.cascade(to: v4)
        return addresses.map { $0.v6.map { $0.with(port: port) } }
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { v4.futureResult }

    /// What blocks can't be stopped; its answer goes nowhere.
    func cancelQueries() {}
}

extension SocketAddress {
    fileprivate func with(port: Int) -> SocketAddress {
        var address = self
        address.port = port
        return address
    }
}
