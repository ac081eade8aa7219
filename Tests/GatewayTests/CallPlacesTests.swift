import Policy
import Testing
import Values

@testable import Gateway

@Suite("Places of calls under way")
struct CallPlacesTests {
    private let account = Identifier(at: Timestamp(microseconds: 0), random: (1, 1))
    private let other = Identifier(at: Timestamp(microseconds: 0), random: (2, 2))

    private func fill(
        _ places: CallPlaces, account: Identifier, key: Identifier, _ address: String
    ) -> [CallPlaces.Place] {
        var taken: [CallPlaces.Place] = []
        while let place = try? places.enter(account: account, key: key, from: IPAddress(address)) {
            taken.append(place)
        }
        return taken
    }

    @Test("a key, an account and an address leave places for others") func shares() throws {
        let places = CallPlaces(Shares(limit: 100))
        let taken = fill(places, account: account, key: account, "198.51.100.1")
        #expect(taken.count == 51)
        // Another key of the account, or another account from the same address, finds none left for it.
        #expect(fill(places, account: account, key: other, "198.51.100.2").isEmpty)
        #expect(fill(places, account: other, key: other, "198.51.100.1").isEmpty)
        #expect(fill(places, account: other, key: other, "198.51.100.2").count == 25)
    }

    @Test("a place is free again when the last reference to it goes") func givenBack() throws {
        let places = CallPlaces(Shares(limit: 1))
        do {
            let place = try places.enter(account: account, key: account, from: nil)
            #expect(throws: Denial.overloaded) { try places.enter(account: other, key: other, from: nil) }
            withExtendedLifetime(place) {}
        }
        #expect(throws: Never.self) { try places.enter(account: other, key: other, from: nil) }
    }
}
