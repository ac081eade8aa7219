import CArgon2
import Testing
import Values

@testable import Secrets

struct Argon2KnownAnswerTests {
    @Test("the library gives the test vector of RFC 9106 §5.3")
    func rfc9106() {
        var (tag, password) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 1, count: 32))
        var (salt, secret) = ([UInt8](repeating: 2, count: 16), [UInt8](repeating: 3, count: 8))
        var associated = [UInt8](repeating: 4, count: 12)
        let code = tag.withUnsafeMutableBufferPointer { tag in
            password.withUnsafeMutableBufferPointer { password in
                salt.withUnsafeMutableBufferPointer { salt in
                    secret.withUnsafeMutableBufferPointer { secret in
                        associated.withUnsafeMutableBufferPointer { associated in
                            var context = Argon2_Context()
                            (context.out, context.outlen) = (tag.baseAddress, 32)
                            (context.pwd, context.pwdlen) = (password.baseAddress, 32)
                            (context.salt, context.saltlen) = (salt.baseAddress, 16)
                            (context.secret, context.secretlen) = (secret.baseAddress, 8)
                            (context.ad, context.adlen) = (associated.baseAddress, 12)
                            (context.t_cost, context.m_cost) = (3, 32)
                            (context.lanes, context.threads) = (4, 1)
                            context.version = 0x13
                            return argon2id_ctx(&context)
                        }
                    }
                }
            }
        }
        #expect(code == 0)
        let expected: [UInt64] = [
            0x0d64_0df5_8d78_766c, 0x08c0_37a3_4a8b_53c9, 0xd01e_f045_2d75_b65e, 0xb525_20e9_6b01_e659,
        ]
        #expect(tag == expected.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } })
    }

    @Test(
        "hashes without a pepper are those of libargon2's own tests",
        arguments: [
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ])
    func withoutPepper(text: String) async throws {
        let pool = Argon2Pool.sample(pepper: Secret([]))
        defer { pool.shutdown() }
        let phc = try #require(PHCString(text))
        #expect(try await pool.verify(Secret("password"), against: phc))
        #expect(try await !pool.verify(Secret("passwore"), against: phc))
    }

    /// Computed with OpenSSL's Argon2id, which shares no code with libargon2.
    @Test(
        "the pepper is Argon2's secret value, and the parameters are those in the string",
        arguments: [
            "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbi5zYWx0LjE2Yg$cV0xlSfcrB+4L0C+GeAmyTCTgcouQvWAGZ1kwx3gJcU",
            "$argon2id$v=19$m=7168,t=5,p=4$c2l4dGVlbi5zYWx0LjE2Yg$vDe7DU10hW9bY2KIDJFh8U6bYDS+bhHpLYaEOgSe+Bc",
        ])
    func withPepper(text: String) async throws {
        let phc = try #require(PHCString(text))
        let (ours, foreign) = (Argon2Pool.sample(pepper: Samples.bytes(7)), Argon2Pool.sample(pepper: Samples.bytes(8)))
        defer { for pool in [ours, foreign] { pool.shutdown() } }
        #expect(try await ours.verify(Secret("correct horse"), against: phc))
        #expect(try await !foreign.verify(Secret("correct horse"), against: phc))
    }
}
