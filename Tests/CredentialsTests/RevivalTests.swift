import Accounts
import Credentials
import Database
import Policy
import TestSupport
import Testing
import Values

/// Invariant 3: a key that could work again holds a slot, and every way back to life asks for one.
@Suite("Ways back to life")
struct RevivalTests {
    private let house: KeysHouse

    init() async throws { house = try await KeysHouse() }

    private func switchOn(_ credential: Credential) async throws {
        try await house.edit(credential) { $0.isEnabled = true }
    }

    private func switchOff(_ credential: Credential) async throws {
        try await house.edit(credential) { $0.isEnabled = false }
    }

    @Test("a key that is switched off holds its slot, and comes back into it") func holdsSlot() async throws {
        try await house.cap(3)
        let keys = [try await house.issue(), try await house.issue(), try await house.issue()]
        for key in keys { try await switchOff(key.credential) }
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        for key in keys { try await switchOn(key.credential) }
    }

    @Test("when the cap was lowered meanwhile, as many come back as there is room for") func loweredCap() async throws {
        var keys: [Credential] = []
        for _ in 0..<5 { keys.append(try await house.issue().credential) }
        try await switchOff(keys[0])
        try await switchOff(keys[1])
        try await house.cap(3)
        // Those that work go on, and can be changed.
        try await house.edit(keys[4]) { $0.name = try good("kept") }
        try await switchOn(keys[4])
        await #expect(throws: CredentialsError.capReached(3)) { try await switchOn(keys[0]) }
        try await house.delete(keys[4])
        await #expect(throws: CredentialsError.capReached(3)) { try await switchOn(keys[0]) }
        try await house.delete(keys[3])
        try await switchOn(keys[0])
        try await switchOn(keys[1])
    }

    @Test("one that is expired and switched off needs a slot for its new expiry, and then none to be switched on")
    func both() async throws {
        try await house.cap(3)
        let end = house.hand.now.adding(.seconds(60))
        let lost = try await house.issue(until: end).credential
        try await switchOff(lost)
        house.hand.set(end)
        var others: [Credential] = []
        for _ in 0..<3 { others.append(try await house.issue().credential) }
        // Switched on it still doesn't work.
        try await switchOn(lost)
        try await switchOff(lost)
        await #expect(throws: CredentialsError.capReached(3)) {
            try await house.edit(lost) { $0.expiresAt = .some(nil) }
        }
        await #expect(throws: CredentialsError.capReached(3)) {
            try await house.edit(lost) {
                $0.expiresAt = .some(nil)
                $0.isEnabled = true
            }
        }
        try await house.delete(others[0])
        try await house.edit(lost) { $0.expiresAt = .some(nil) }
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        try await switchOn(lost)
    }

    @Test("a rotation takes no slot and gives none, and brings nothing back") func rotation() async throws {
        try await house.cap(3)
        let end = house.hand.now.adding(.seconds(60))
        let expiring = try await house.issue(until: end)
        let off = try await house.issue()
        _ = try await house.issue()
        try await switchOff(off.credential)
        #expect(try await !house.rotate(off.credential, overlap: 60).credential.isEnabled)
        await #expect(throws: CredentialsError.capReached(3)) { try await house.issue() }
        house.hand.set(end)
        _ = try await house.issue()
        let rotated = try await house.rotate(expiring.credential)
        #expect(rotated.credential.terms.expiresAt == end)
        await #expect(throws: CredentialsError.capReached(3)) {
            try await house.edit(expiring.credential) { $0.expiresAt = .some(nil) }
        }
    }

    /// What the rules say of one key, kept beside the real one.
    private struct Model {
        let credential: Credential
        var expiry: Timestamp?
        var isEnabled = true

        func holdsSlot(_ now: Timestamp) -> Bool { !expiry.isExpired(at: now) }
        func works(_ now: Timestamp) -> Bool { holdsSlot(now) && isEnabled }
    }

    @Test("whatever is done in whatever order, a key comes to life only where there is a slot for it", arguments: 1...3)
    func anyOrder(seed: UInt64) async throws {
        var choices = Choices(seed: seed)
        var keys: [Model] = []
        var cap = 10
        var createdToday = 0
        var refusals = 0
        var crowded = 0
        for step in 0..<150 {
            let now = house.hand.now
            let live = keys.filter { $0.holdsSlot(now) }.count
            let expiry: Timestamp? =
                choices.isTrue() ? nil : now.adding(.seconds(Int64(3600 * (1 + choices.below(40)))))
            switch choices.below(10) {
            case 0, 1:
                let mayCreate = createdToday < 10 && live < cap
                do {
                    keys.append(Model(credential: try await house.issue(until: expiry).credential, expiry: expiry))
                    createdToday += 1
                    #expect(mayCreate, "step \(step)")
                } catch is CredentialsError {
                    refusals += 1
                    #expect(!mayCreate, "step \(step)")
                }
            case 2...6 where !keys.isEmpty:
                let off = keys.firstIndex { !$0.isEnabled && $0.holdsSlot(now) }
                let index = choices.isTrue() ? choices.below(keys.count) : off ?? choices.below(keys.count)
                let enabled: Bool? = choices.below(3) == 0 ? nil : choices.isTrue()
                let changesExpiry = choices.isTrue()
                let old = keys[index]
                var new = old
                if let enabled { new.isEnabled = enabled }
                if changesExpiry { new.expiry = expiry }
                let isBack =
                    (new.holdsSlot(now) && !old.holdsSlot(now)) || (new.works(now) && !old.works(now))
                let mayChange = !isBack || live - (old.holdsSlot(now) ? 1 : 0) < cap
                do {
                    try await house.edit(old.credential) {
                        $0.isEnabled = enabled
                        if changesExpiry { $0.expiresAt = .some(expiry) }
                    }
                    keys[index] = new
                    #expect(mayChange, "step \(step)")
                } catch CredentialsError.capReached(cap) {
                    refusals += 1
                    if old.holdsSlot(now) { crowded += 1 }
                    #expect(!mayChange, "step \(step)")
                }
            case 7 where !keys.isEmpty:
                try await house.delete(keys.remove(at: choices.below(keys.count)).credential)
            case 8:
                cap = live > 4 ? 3 : 9
                try await house.cap(cap)
            default:
                let day = house.hand.now.microseconds / 86_400_000_000
                house.hand.advance(.seconds(Int64(600 * (1 + choices.below(30)))))
                if house.hand.now.microseconds / 86_400_000_000 != day { createdToday = 0 }
            }
            let listed = try await house.credentials.list(of: house.ada.account, atMost: 100)
            #expect(
                Set(listed.items.filter { $0.isEnabled && !$0.terms.expiresAt.isExpired(at: house.hand.now) }.map(\.id))
                    == Set(keys.filter { $0.works(house.hand.now) }.map(\.credential.id)), "step \(step)")
        }
        // Among them keys that had their slot all along, in an account that has more of them than it may by now.
        #expect(refusals > 3)
        #expect(crowded > 0)
    }
}
