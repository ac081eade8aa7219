import HTTPTypes
import Hummingbird
import Management
import Metering
import NIOCore
import Policy
import Values
import Web

/// Tells open pages that something was charged, granted or refused (server-sent events, HTML §9.2).
///
/// Each answer holds one event and ends; a browser comes back for the next one after a second, by itself. So nobody holds a
/// turn or a connection while nothing happens, each event asks anew whether the session stands, and a server can stop.
extension Console {
    static let livePath = "/console/usage/live"

    func declareLiveUsage(_ routes: inout Routes) {
        openPage(&routes, Self.livePath) { visit in
            // What ends the coming back, without a word in the browser's console. The page then asks for itself anew.
            guard visit.caller.actor != nil else {
                return Response(status: .noContent, headers: [.cacheControl: "no-store"])
            }
            let mark = try await visit.usageMark(of: visit.otherAccount())
            let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
            return Response(
                status: .ok, headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(string: "retry: \(Self.pause)\ndata: \(mark)\n\n")))
        }
    }

    /// In milliseconds, between two looks of a page.
    private static let pause = 1000
}

extension Visit {
    /// Another text whenever a figure of the usage page is another one.
    /// - Parameter other: an account that is not the person's own.
    func usageMark(of other: Identifier?) async throws -> String {
        let balance = try await management.getAccount(caller, try other ?? account()).balance
        let today = Day(of: formats.now)
        var (calls, refused) = (UsageQuestion(account: other), RefusedCallsQuestion(account: other))
        (calls.from, calls.until, calls.by) = (today, today, [.day])
        (refused.from, refused.until, refused.by) = (today, today, [.code])
        let counts = [
            balance.granted.micro, balance.usage.posted.micro, try await management.getUsage(caller, calls).calls,
            try await management.listRefusedCalls(caller, refused).calls, today.number,
        ]
        return counts.map(String.init).joined(separator: ".")
    }
}
