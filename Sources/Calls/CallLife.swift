/// How far a call has come, as a value: what may happen to it next, and how it ends.
///
/// Whoever drives a call asks before each step. A step that may not happen now changes nothing and says so. Each call ends
/// in exactly one way, and what is owed on the way there follows from where it stands (``debt``), whatever broke off.
package struct CallLife: Sendable, Hashable {
    package enum Phase: Sendable, Hashable, CaseIterable {
        /// Its head is there.
        case arrived
        /// Every check was passed that needs no body.
        case admitted
        /// Its model and its price are known.
        case decided
        /// Its most is set aside, and it may go upstream.
        case held
        /// The upstream has served it: its charge is on the way to the disk, and nothing can stop it.
        case charging
        /// The end: served, and its charge is on disk.
        case charged
        /// The end: what was held is given back; it was not served.
        case released
        /// The end: nothing was held.
        case refused
        /// The end: it was answered before, and got that answer again.
        case repeated
    }

    package enum Step: Sendable, Hashable, CaseIterable {
        /// Also once more, when a body was long in coming.
        case admit
        /// Also once more, when something changed before it was held.
        case decide
        case hold
        /// An answer was kept for it.
        case `repeat`
        case serve
        case committed
        /// The charge could not be written, so the call counts as not served.
        case commitFailed
        /// Whatever ends it early: a denial, a fault, a deadline, a caller who left.
        case stop
    }

    /// What must still be done for the credits of a call, when nothing else is done for it.
    package enum Debt: Sendable, Hashable {
        case nothing
        /// Its hold is to be given back.
        case release
        /// Its charge is to be waited for.
        case commit
    }

    package private(set) var phase = Phase.arrived

    package init() {}

    /// - Returns: whether the step may happen now; then it has.
    package mutating func take(_ step: Step) -> Bool {
        guard let next = Self.next(phase, step) else { return false }
        phase = next
        return true
    }

    package var debt: Debt {
        switch phase {
        case .held: .release
        case .charging: .commit
        case .arrived, .admitted, .decided, .charged, .released, .refused, .repeated: .nothing
        }
    }

    package var hasEnded: Bool {
        switch phase {
        case .charged, .released, .refused, .repeated: true
        case .arrived, .admitted, .decided, .held, .charging: false
        }
    }

    private static func next(_ phase: Phase, _ step: Step) -> Phase? {
        switch (phase, step) {
        case (.arrived, .admit), (.admitted, .admit), (.decided, .admit): .admitted
        case (.admitted, .decide): .decided
        case (.decided, .hold): .held
        case (.decided, .repeat): .repeated
        case (.held, .serve): .charging
        case (.charging, .committed): .charged
        case (.charging, .commitFailed), (.held, .stop): .released
        case (.arrived, .stop), (.admitted, .stop), (.decided, .stop): .refused
        default: nil
        }
    }
}
