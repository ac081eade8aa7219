package import Catalog
import Synchronization

/// Finds of every provider what a test has told it to.
package final class ToldTester: ProviderTester {
    private struct State {
        var answer = ProviderTest.builtIn
        var asked: [ModelRoute.Upstream] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func tell(_ answer: ProviderTest) { state.withLock { $0.answer = answer } }

    /// Whom it was asked about, the earliest first.
    package var asked: [ModelRoute.Upstream] { state.withLock { $0.asked } }

    package func test(_ upstream: ModelRoute.Upstream) async throws -> ProviderTest {
        state.withLock { state in
            state.asked.append(upstream)
            return state.answer
        }
    }
}
