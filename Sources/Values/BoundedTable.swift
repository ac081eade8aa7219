/// A table that holds at most so many values: a full one gives up a random one.
///
/// Random, so that nobody who fills it can choose what it forgets. (The first in a dictionary's order would nearly always be
/// the newest.)
package struct BoundedTable<Key: Hashable, Value> {
    private var entries: [Key: (value: Value, place: Int)] = [:]
    /// The keys in `entries`, each at its place: where a full table finds one to give up.
    private var places: [Key] = []
    private let capacity: Int

    /// - Parameter capacity: how many values it holds at most, and at least one.
    package init(capacity: Int) { self.capacity = max(1, capacity) }

    package var count: Int { places.count }

    package subscript(key: Key) -> Value? { entries[key]?.value }

    package mutating func insert(_ value: Value, for key: Key) {
        if let entry = entries[key] {
            entries[key] = (value, entry.place)
            return
        }
        if places.count >= capacity, let other = places.randomElement() { remove(other) }
        entries[key] = (value, places.count)
        places.append(key)
    }

    package mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key), let last = places.popLast(), last != key else { return }
        places[entry.place] = last
        entries[last]?.place = entry.place
    }

    package mutating func removeAll(where isStale: (Key, Value) -> Bool) {
        for (key, entry) in entries where isStale(key, entry.value) { remove(key) }
    }
}

extension BoundedTable: Sendable where Key: Sendable, Value: Sendable {}
