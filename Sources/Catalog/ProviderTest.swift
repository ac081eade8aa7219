/// What came of one small question to a provider: its list of models, asked for as calls are sent there.
///
/// Nothing of it is the provider's own text but names that could be those of models.
package struct ProviderTest: Sendable, Equatable {
    /// Why a call would be likely to fail, or why it can't be told.
    package enum Fault: String, Sendable, CaseIterable {
        // Nothing answered.
        case nameNotFound = "name_not_found"
        case connectionRefused = "connection_refused"
        case unreachable
        case certificateExpired = "certificate_expired"
        case certificateForOtherName = "certificate_for_other_name"
        case certificateUntrusted = "certificate_untrusted"
        case tlsFailed = "tls_failed"
        case timedOut = "timed_out"
        case brokenOff = "broken_off"
        case notHTTP = "not_http"
        /// This server has all the connections to it that it may have.
        case busy
        // Something answered, but not with a list of models.
        case credentialRefused = "credential_refused"
        case rateLimited = "rate_limited"
        case noModelList = "no_model_list"
        case redirected
        case serverError = "server_error"
        case unexpectedStatus = "unexpected_status"
        case notOpenAI = "not_openai"
        case answerTooLarge = "answer_too_large"
    }

    /// The models that an answer lists.
    package struct Models: Sendable, Equatable {
        /// All of them.
        package let count: Int
        /// The first ones whose names can be those of models.
        package let names: [String]

        package init(count: Int, names: [String]) {
            self.count = count
            self.names = names
        }
    }

    /// Of the answer in HTTP; `nil` when there was none.
    package let status: Int?
    /// From the question to the end of the answer or of the patience, in milliseconds.
    package let milliseconds: Int
    package let models: Models?
    /// `nil` when all is well.
    package let fault: Fault?
    /// Whether there was somebody to ask: the built-in provider needs no network.
    package let isBuiltIn: Bool

    package init(status: Int?, milliseconds: Int, models: Models?, fault: Fault?) {
        self.status = status
        self.milliseconds = milliseconds
        self.models = models
        self.fault = fault
        isBuiltIn = false
    }

    private init() {
        (status, milliseconds, models, fault) = (nil, 0, nil, nil)
        isBuiltIn = true
    }

    /// Of the provider that needs no network.
    package static let builtIn = ProviderTest()

    /// Whether an answer in HTTP came, or none is needed.
    package var isReachable: Bool { status != nil || isBuiltIn }
}

/// Asks a provider whether calls can get there. The data plane does, over its own connections to providers.
package protocol ProviderTester: Sendable {
    /// Takes ten seconds at most.
    func test(_ upstream: ModelRoute.Upstream) async throws -> ProviderTest
}

extension ProviderTest.Fault {
    /// For people, in English.
    package var sentence: String {
        switch self {
        case .nameNotFound: "No address was found for the host name of the base URL."
        case .connectionRefused: "The host is there, but refuses connections to that port."
        case .unreachable: "There is no way to that address."
        case .certificateExpired: "The provider's certificate has expired or is not valid yet."
        case .certificateForOtherName: "The provider's certificate is for another host name."
        case .certificateUntrusted:
            "The provider's certificate is from an unknown issuer. The setting gateway.ca_file can add one."
        case .tlsFailed: "No TLS connection came to be. Is the scheme of the base URL right?"
        case .timedOut: "There was no whole answer in time."
        case .brokenOff: "The provider broke off the connection."
        case .notHTTP: "What answers there does not speak HTTP/1.1."
        case .busy: "This server has too many calls to that provider under way. Try again in a moment."
        case .credentialRefused: "The provider refuses the stored credential, or the lack of one."
        case .rateLimited: "The provider answers, but accepts no more requests for now."
        case .noModelList:
            "Something answers, but has no list of models at this base URL. Check it; a provider without a list can "
                + "still serve calls."
        case .redirected: "The provider sends elsewhere, and calls do not follow. Correct the base URL."
        case .serverError: "The provider answers that it has a fault of its own."
        case .unexpectedStatus: "The provider refuses the request."
        case .notOpenAI: "Something answers, but not in the manner of OpenAI's API. Check the base URL."
        case .answerTooLarge:
            "The provider answers, with a list of more than 64 KiB, which is not read. Calls may well work."
        }
    }
}
