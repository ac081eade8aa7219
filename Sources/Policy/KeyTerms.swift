package import Values

/// The restrictions on a key. `nil` is none.
package struct KeyTerms: Sendable, Equatable {
    package var expiresAt: Timestamp?
    /// For the whole life of the key.
    package var creditLimit: Credits?
    /// For each UTC month.
    package var monthlyLimit: Credits?
    /// The pricing group, where it is another than the account's default.
    package var group: String?
    /// The only models that it may use, of those that its app may.
    package var models: [String]?
    /// The only addresses that it may be used from.
    package var addresses: [AddressBlock]?
    /// The only site whose pages may use it; no caller but a page of it may.
    package var host: HostName?

    package init(
        expiresAt: Timestamp? = nil, creditLimit: Credits? = nil, monthlyLimit: Credits? = nil, group: String? = nil,
        models: [String]? = nil, addresses: [AddressBlock]? = nil, host: HostName? = nil
    ) {
        self.expiresAt = expiresAt
        self.creditLimit = creditLimit
        self.monthlyLimit = monthlyLimit
        self.group = group
        self.models = models
        self.addresses = addresses
        self.host = host
    }

    /// The same, with each model and each block once.
    package var withoutRepetitions: KeyTerms {
        func once<T: Hashable>(_ list: [T]) -> [T] {
            var seen: Set<T> = []
            return list.filter { seen.insert($0).inserted }
        }
        var terms = self
        terms.models = models.map(once)
        terms.addresses = addresses.map(once)
        return terms
    }
}
