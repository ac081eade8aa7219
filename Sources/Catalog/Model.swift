import Database
package import Secrets
package import Values

/// A name that a provider serves.
package struct Model: Sendable {
    package var id: Identifier
    package var provider: Identifier
    /// What callers write; unique in the deployment and never changed, so that it can be referred to.
    package var name: String
    /// What the upstream calls it.
    package var upstreamName: String
    package var systemMessages: SystemMessages
    /// All versions, the earliest first.
    package var prices: [PriceVersion]
    package var createdAt: Timestamp

    /// What a call costs before the multiplier of its group.
    package func price(at time: Timestamp) -> PriceVersion? { prices.inEffect(at: time) }
}

/// The name of a model on the wire.
package struct ModelName: FieldText, Hashable {
    package static let rule = "must be 1 to 100 characters from letters, digits and . _ : / @ -"
    package let text: String

    package init?(_ text: String) {
        guard (1...100).contains(text.utf8.count),
            text.utf8.allSatisfy({ byte in
                switch byte {
                // The signs are `-`, `.`, `/` and `:`, `@`, and `_`.
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else { return nil }
        self.text = text
    }
}

/// Where calls for one model go, with the secret opened: what the gateway holds in memory.
package struct ModelRoute: Sendable {
    package enum Upstream: Sendable {
        case echo
        case openai(BaseURL, secret: Secret?)
    }

    package let model: Identifier
    /// The public name.
    package let name: String
    package let upstreamName: String
    package let systemMessages: SystemMessages
    package let upstream: Upstream
    /// All versions, the earliest first.
    package let prices: [PriceVersion]

    /// A stored provider row that cannot be opened is a fault of the deployment, not of the caller.
    init(_ row: ModelTable.RouteRow, name: String, sealing: SealingBox) throws {
        model = row.model
        self.name = name
        upstreamName = row.upstreamName
        systemMessages = row.systemMessages
        prices = row.prices
        upstream = try Upstream(row.upstream, sealing: sealing)
    }

    /// Binds a sealed secret to its provider, so that copying the column to another row opens nothing.
    static func sealingContext(_ provider: Identifier) -> String { "provider:\(provider)" }
}

extension ModelRoute.Upstream {
    init(_ row: ProviderTable.UpstreamRow, sealing: SealingBox) throws {
        switch row.kind {
        case .echo: self = .echo
        case .openai:
            guard let url = row.baseURL.flatMap(BaseURL.init) else {
                throw DatabaseFailure.malformedRow(column: "base_url")
            }
            let secret = try row.sealedSecret.map {
                try sealing.open($0, context: ModelRoute.sealingContext(row.provider))
            }
            self = .openai(url, secret: secret)
        }
    }
}
