import Applications
import Calls
import Catalog
import Credentials
import Database
import Metering
import Secrets
import Testing
import Values

@testable import Accounts
@testable import Management

@Suite("Refusals")
struct RefusalTests {
    /// An error that no room of ours throws, with something in it that a caller could have sent.
    private struct Foreign: Error, CustomStringConvertible {
        let text = "sk-secret"
        var description: String { text }
    }

    private static let id = Identifier(at: Timestamp(microseconds: 0), random: (1, 4))

    private static let known: [(any Error, Refusal.Code)] = [
        (Refusal.rootOnly, .rootOnly),
        (InvalidField("name", "is required"), .invalidRequest),
        (AccountsError.notFound, .notFound),
        (AccountsError.sessionEnded, .unauthenticated),
        (AccountsError.wrongCode, .invalidRequest),
        (AccountsError.tooManyAttempts(retryAfterSeconds: 7), .tooManyAttempts),
        (AccountsError.adminScopes([.accountsRead]), .adminOnly),
        (AccountsError.rootScopes([.auditRead]), .rootOnly),
        (AccountsError.accountHasUsers, .accountHasUsers),
        (ProofOutdated(), .signInFailed),
        (CatalogError.notFound, .notFound),
        (CatalogError.echoTakesNo("secret"), .invalidRequest),
        (CatalogError.standardGroup, .groupInUse),
        (ApplicationsError.notFound, .notFound),
        (ApplicationsError.limitReached, .applicationLimitReached),
        (ApplicationsError.repeatedModel(index: 2), .invalidRequest),
        (CredentialsError.notFound, .notFound),
        (CredentialsError.capReached(10), .credentialCapReached),
        (CredentialsError.dailyRotationLimitReached(5, retryAfterSeconds: 9), .dailyRotationLimitReached),
        (CredentialsError.closingUnconfirmed(keys: 1, users: 2), .confirmationRequired),
        (CallsError.noSuchApplication, .invalidRequest),
        (MeteringError.noSuchAccount, .notFound),
        (MeteringError.balanceTooSmall(available: .zero), .insufficientCredits),
        (MeteringError.tooManyRows(limit: 10), .tooManyRows),
        (MeteringError.holdNotOpen, .internalError),
        (IdempotencyRefusal.inFlight, .idempotencyInFlight),
        (IdempotencyRefusal.otherBody, .idempotencyKeyReused),
        (IdempotencyRefusal.notReplayable(charge: id), .idempotencyNotReplayable),
        (DatabaseFailure.overloaded, .overloaded),
        // SQLITE_FULL and SQLITE_IOERR.
        (DatabaseFailure.engine(code: 13), .storageFailed),
        (DatabaseFailure.engine(code: 10), .storageFailed),
        (DatabaseFailure.notUnique, .internalError),
        (Argon2Failure.overloaded, .overloaded),
        (Argon2Failure.stopped, .overloaded),
        (Argon2Failure.failed(code: -22), .internalError),
        (CancellationError(), .callerLeft),
        (Foreign(), .internalError),
    ]

    @Test("every room's errors have a code", arguments: known.indices) func codes(index: Int) {
        let (error, code) = Self.known[index]
        let refusal = Refusal(error)
        #expect(refusal.code == code)
        #expect(refusal.sentence.last == "." && refusal.sentence.count > 10)
    }

    @Test("a broken field is named, with its rule") func fields() {
        #expect(
            Refusal(ApplicationsError.repeatedModel(index: 2)).fields == [
                InvalidField("allowed_models[2]", "comes twice")
            ])
        #expect(Refusal(InvalidField("name", "is required")).sentence == "The field name is required.")
        #expect(Refusal(MeteringError.tooManyRows(limit: 10)).fields.map(\.field) == ["by"])
        #expect(Refusal(AccountsError.notFound).fields.isEmpty)
    }

    @Test("when to come again is said where it helps") func retryAfter() {
        #expect(Refusal(AccountsError.tooManyAttempts(retryAfterSeconds: 7)).retryAfter == 7)
        #expect(Refusal(CredentialsError.dailyLimitReached(5, retryAfterSeconds: 9)).retryAfter == 9)
        #expect(Refusal(DatabaseFailure.engine(code: 13)).retryAfter == 10)
        #expect(Refusal(Argon2Failure.overloaded).retryAfter == 1)
        #expect(Refusal(AccountsError.lastAdmin).retryAfter == nil)
    }

    @Test("what failed inside is in no sentence and in no field") func internals() {
        let failures: [any Error] = [
            DatabaseFailure.malformedRow(column: "private_key"), DatabaseFailure.engine(code: 13),
            DatabaseFailure.unsafe("no foreign keys"), Argon2Failure.failed(code: -22), MeteringError.holdNotOpen,
            Foreign(),
        ]
        for failure in failures {
            let refusal = Refusal(failure)
            #expect([.internalError, .storageFailed].contains(refusal.code))
            #expect(refusal.cause != nil && refusal.fields.isEmpty)
            for detail in ["private_key", "13", "foreign", "22", "hold", "sk-secret", "\(failure)"] {
                #expect(!refusal.sentence.contains(detail))
            }
        }
    }

    @Test("the log has our own failures as they are, and of a foreign one only its type") func descriptions() {
        #expect(Refusal(DatabaseFailure.malformedRow(column: "private_key")).description.contains("private_key"))
        #expect(Refusal(Argon2Failure.failed(code: -22)).description.contains("-22"))
        #expect(Refusal(MeteringError.holdNotOpen).description == "holdNotOpen")
        #expect(Refusal(Foreign()).description == "Foreign")
        #expect(Refusal(AccountsError.notFound).description == "not_found")
    }

    @Test("codes are words of small letters") func words() {
        for code in Refusal.Code.allCases {
            #expect(code.rawValue.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F })
        }
    }
}
