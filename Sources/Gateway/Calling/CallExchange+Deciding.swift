import Calls
import HTTP
import Line
import Metering
import NIOCore
import Policy
import Values
import Wire

/// Where a call may go, and whether its credits cover it.
extension CallExchange {
    /// - Parameter turns: how often something may change while it is decided.
    func decide(_ call: any DialectCall, turns: Int = 4) {
        guard let admitted else { return }
        guard turns > 0 else { return refuse(Denial.overloaded) }
        // How long a body takes is up to the caller, and what was changed meanwhile binds this call.
        guard gateway.calls.isCurrent(admitted.key, at: gateway.clock.now()) else {
            return reopen(call, turns: turns - 1)
        }
        if let decided = admitted.decide(model: call.model) { return hold(call, decided, turns) }
        elsewhere { [calls = gateway.calls] in
            try await calls.decide(admitted, model: call.model)
        } then: {
            exchange, result in
            switch result {
            case .success(let decided): exchange.hold(call, decided, turns)
            case .failure(let error): exchange.refuse(exchange.gateway.explained(error, admitted.key))
            }
        }
    }

    /// Something has changed that the call was admitted under.
    private func reopen(_ call: any DialectCall, turns: Int) {
        let now = gateway.clock.now()
        elsewhere { [calls = gateway.calls, bearer] in
            try await calls.open(bearer, at: now)
        } then: {
            exchange, key in
            do {
                try exchange.admit(key.get())
                exchange.decide(call, turns: turns)
            } catch {
                exchange.refuse(exchange.gateway.explained(error, exchange.bearer))
            }
        }
    }

    func hold(_ call: any DialectCall, _ decided: DecidedCall, _ turns: Int) {
        step(.decide)
        do {
            let idempotency = try IdempotencyKey(head.fields, body: call.body)
            hold(call, decided, decided.metered(idempotency), turns)
        } catch {
            refuse(error)
        }
    }

    func hold(_ call: any DialectCall, _ decided: DecidedCall, _ metered: MeteredCall, _ turns: Int) {
        guard turns > 0 else { return refuse(Denial.overloaded) }
        switch gateway.metering.hold(metered, under: decided.key.stamp) {
        case .held(let hold):
            step(.hold)
            self.hold = hold
            ask(call, decided, isKept: hold.isRepeatable && !call.isStream)
        case .denied(let denial): refuse(denial)
        case .changed: reopen(call, turns: turns - 1)
        case .unknown:
            elsewhere { [metering = gateway.metering] in
                try await metering.prepare(metered)
            } then: {
                exchange, result in
                switch result {
                case .success(.ready(let metered)): exchange.hold(call, decided, metered, turns - 1)
                case .success(.answered(let stored)): exchange.repeatAnswer(stored)
                case .failure(let error): exchange.refuse(error)
                }
            }
        }
    }

    private func repeatAnswer(_ stored: StoredAnswer) {
        guard let kept = KeptAnswer(stored) else { return refuse(Problem.internalError) }
        step(.repeat)
        var head = reply.head(status: 200, length: kept.body.readableBytes)
        head.fields.field("Content-Type", "application/json")
        try? head.fields.receipt(kept.receipt)
        head.fields.field("Idempotency-Replayed", "true")
        reply.log(200)
        line.answer(head, kept.body, isWhole: true)
        finish()
    }
}
