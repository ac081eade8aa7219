package import Values

/// Which part of a list is asked for. Lists run from the newest to the oldest, by identifier.
package struct Page: Sendable {
    package static let limits = 1...100
    package static let standardLimit = 50

    /// 1…100.
    package let limit: Int
    /// The last identifier of the page before; `nil` for the first page.
    package let after: Identifier?

    package init(limit: Int = Page.standardLimit, after: Identifier? = nil) {
        self.limit = limit
        self.after = after
    }

    /// For `WHERE id < $n`: an identifier, or a text that is greater than any.
    package var bound: String { after?.description ?? "~" }

    /// For `LIMIT $n`: one more than asked for, which tells whether there is a next page.
    package var fetch: Int { limit + 1 }
}

/// One page of a list.
package struct Listing<Item: Sendable>: Sendable {
    package let items: [Item]
    /// Where the next page begins; `nil` on the last one.
    package let next: Identifier?

    package init(_ items: [Item], next: Identifier?) {
        self.items = items
        self.next = next
    }

    /// - Parameter fetched: up to `page.fetch` items in the order of the list.
    package init(_ fetched: [Item], _ page: Page, id: (Item) -> Identifier) {
        items = Array(fetched.prefix(page.limit))
        next = fetched.count > page.limit ? items.last.map(id) : nil
    }
}
