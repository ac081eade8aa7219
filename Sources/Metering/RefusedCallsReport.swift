import Database
package import Values

/// What a report on calls that were not served is asked for.
package struct RefusedCallsRequest: Sendable {
    /// What a report can tell apart.
    package enum Dimension: String, Sendable, CaseIterable {
        case day, credential, code
    }

    package var account: Identifier
    package var days: ClosedRange<Day>
    package var by: Set<Dimension>
    package var credential: Identifier?

    package init(
        account: Identifier, days: ClosedRange<Day>, by: Set<Dimension> = Set(Dimension.allCases),
        credential: Identifier? = nil
    ) {
        self.account = account
        self.days = days
        self.by = by
        self.credential = credential
    }

    /// The line of the report that a count goes to; `nil` when it goes to none.
    func group(of line: RefusedCallsLine) -> RefusedCallsGroup? {
        guard line.account == account, days.contains(line.day), credential.map({ $0 == line.credential }) ?? true else {
            return nil
        }
        return RefusedCallsGroup(
            day: by.contains(.day) ? line.day : nil, credential: by.contains(.credential) ? line.credential : nil,
            code: by.contains(.code) ? line.code : nil)
    }
}

/// What one line of a report is about; what it was not asked to tell apart is `nil`.
package struct RefusedCallsGroup: Sendable, Hashable {
    package var day: Day?
    package var credential: Identifier?
    /// The stable code of the refusal.
    package var code: String?
}

extension RefusedCallsGroup: Comparable {
    /// The newest day first.
    package static func < (left: RefusedCallsGroup, right: RefusedCallsGroup) -> Bool {
        if let one = left.day, let other = right.day, one != other { return one > other }
        if let one = left.credential, let other = right.credential, one != other { return one < other }
        return (left.code ?? "") < (right.code ?? "")
    }
}

extension RefusedCallsRequest.Dimension: FieldText {
    package static let rule =
        "must be one or more of " + allCases.map(\.rawValue).joined(separator: ", ")
        + ", with commas between them, each once"

    package init?(_ text: String) { self.init(rawValue: text) }
}

extension Metering {
    /// How many calls were not served, the newest day first.
    package func refusedCalls(
        _ request: RefusedCallsRequest
    ) async throws -> [(group: RefusedCallsGroup, calls: Int64)] {
        while true {
            let writes = refused.writes
            let waiting = refused.lines(of: request.account)
            var lines = try await database.read { connection in
                try RefusedCallTable.lines(request, atMost: UsageRequest.limit + 1, connection)
            }
            // What came to the disk meanwhile would be counted twice, or not at all.
            guard refused.writes == writes else { continue }
            for (line, calls) in waiting {
                if let group = request.group(of: line) { lines[group, default: 0] += calls }
            }
            guard lines.count <= UsageRequest.limit else { throw MeteringError.tooManyRows(limit: UsageRequest.limit) }
            return lines.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }
}
