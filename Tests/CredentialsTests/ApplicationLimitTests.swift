import Accounts
import Applications
import Credentials
import Database
import TestSupport
import Testing

@Suite("How many apps there may be")
struct ApplicationLimitTests {
    @Test("a thousand with the one of the house, and no more; deleting one makes room") func limit() async throws {
        let house = try await KeysHouse()
        for index in 1..<Application.limit { _ = try await house.app("App \(index)", of: house.ada) }
        await #expect(throws: ApplicationsError.limitReached) { try await house.app("One more", of: house.ada) }
        let some = try await house.applications.list(of: house.ada.account, Page(limit: 1)).items[0]
        try await house.credentials.deleteApplication(some.id, of: house.ada.account, andCredentials: false, by: .test)
        _ = try await house.app("In its place", of: house.ada)
    }
}
