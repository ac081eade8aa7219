import Calls
import Testing

/// Every way that a call can go, step by step.
@Suite("The life of a call")
struct CallLifeTests {
    private typealias Phase = CallLife.Phase
    private typealias Step = CallLife.Step

    /// What may happen, written down once more and otherwise.
    private static let allowed: [Phase: [Step: Phase]] = [
        .arrived: [.admit: .admitted, .stop: .refused],
        .admitted: [.admit: .admitted, .decide: .decided, .stop: .refused],
        .decided: [.admit: .admitted, .hold: .held, .repeat: .repeated, .stop: .refused],
        .held: [.serve: .charging, .stop: .released],
        .charging: [.committed: .charged, .commitFailed: .released],
        .charged: [:], .released: [:], .refused: [:], .repeated: [:],
    ]

    /// All lives that are reached by some steps, with one way to each phase.
    private static func reached() -> [CallLife.Phase: CallLife] {
        var lives: [CallLife.Phase: CallLife] = [.arrived: CallLife()]
        var waiting = [CallLife()]
        while let life = waiting.popLast() {
            for step in Step.allCases {
                var next = life
                if next.take(step), lives[next.phase] == nil {
                    lives[next.phase] = next
                    waiting.append(next)
                }
            }
        }
        return lives
    }

    @Test("each step in each phase") func everyStep() {
        let lives = Self.reached()
        #expect(Set(lives.keys) == Set(Phase.allCases))
        for (phase, life) in lives {
            for step in Step.allCases {
                var next = life
                let goes = next.take(step)
                let expected = Self.allowed[phase]?[step]
                #expect(goes == (expected != nil), "\(phase) \(step)")
                #expect(next.phase == expected ?? phase, "\(phase) \(step)")
            }
        }
    }

    @Test("nothing happens after the end, and what is owed is owed by a hold alone") func ends() {
        for (phase, life) in Self.reached() {
            let hasNoWay = Step.allCases.allSatisfy { step in
                var next = life
                return !next.take(step)
            }
            #expect(life.hasEnded == hasNoWay, "\(phase)")
            if life.hasEnded { #expect(life.debt == .nothing) }
            #expect((life.debt == .release) == (phase == .held))
            #expect((life.debt == .commit) == (phase == .charging))
        }
    }

    @Test("whatever the steps: charged only after a hold and a commit, released only after a hold, and one end")
    func paths() {
        // All paths of up to nine steps that change something; longer ones only go in circles.
        func walk(_ life: CallLife, _ path: [Step]) {
            if life.hasEnded {
                switch life.phase {
                case .charged: #expect(path.suffix(3) == [.hold, .serve, .committed])
                case .released: #expect(path.contains(.hold) && !path.contains(.committed))
                case .refused, .repeated: #expect(!path.contains(.hold))
                default: Issue.record("\(life.phase) is no end")
                }
                #expect(path.count { $0 == .hold } <= 1)
                #expect(path.firstIndex(of: .decide).map { path[..<$0].contains(.admit) } ?? true)
                return
            }
            guard path.count < 9 else { return }
            for step in Step.allCases {
                var next = life
                if next.take(step) { walk(next, path + [step]) }
            }
        }
        walk(CallLife(), [])
    }
}
