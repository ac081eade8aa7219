import Dispatch
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Gateway

@Suite("Looking up hosts")
struct UpstreamHostLookupTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test("localhost has an address") func system() async throws {
        let addresses = try await HostLookup().addresses(of: "localhost", on: loop).get()
        #expect(
            addresses.v4.contains { $0.ipAddress == "127.0.0.1" } || addresses.v6.contains { $0.ipAddress == "::1" })
    }

    @Test("a name that does not answer keeps no other waiting, and is asked once for all")
    func blocked() async throws {
        let gate = DispatchSemaphore(value: 0)
        let asked = Mutex(0)
        let lookup = HostLookup { host in
            guard host == "dead" else { return .success(.init()) }
            asked.withLock { $0 += 1 }
            gate.wait()
            return .failure(HostLookup.Failure())
        }
        let dead = (0..<50).map { _ in lookup.addresses(of: "dead", on: loop) }
        for name in ["a", "b", "c"] { _ = try await lookup.addresses(of: name, on: loop).get() }
        gate.signal()
        for each in dead { await #expect(throws: HostLookup.Failure.self) { try await each.get() } }
        #expect(asked.withLock { $0 } == 1)
    }

    @Test("no more names are looked up at once than the bound says") func bound() async throws {
        let gate = DispatchSemaphore(value: 0)
        let lookup = HostLookup { host in
            gate.wait()
            return .success(.init())
        }
        let held = (0..<32).map { lookup.addresses(of: "host-\($0)", on: loop) }
        await #expect(throws: HostLookup.Failure.self) { try await lookup.addresses(of: "one more", on: loop).get() }
        for _ in held { gate.signal() }
        for each in held { _ = try await each.get() }
    }
}
