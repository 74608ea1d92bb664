// An object's members in the order in which they came, each key once.
// JSONValue holds it; documents are built and read through it.
// It never sorts: writers that need sorted keys sort when they write.

/// An ordered map from key to value. Small objects are searched linearly; larger ones keep an index.
///
/// Equality and hash ignore the order of keys.
public struct JSONObject: Sendable {
    public private(set) var keys: [String]
    public private(set) var values: [JSONValue]
    /// Position by key; kept only above `linearSearchMax` members, where a scan costs more than a hash.
    private var index: [String: Int]

    private static let linearSearchMax = 16

    public init() {
        keys = []
        values = []
        index = [:]
    }

    /// Members in order; of a repeated key the last value wins and the first place stays.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        self.init()
        for (key, value) in members { self[key] = value }
    }

    /// Members whose keys the caller has already checked to be distinct.
    public init(distinctKeys keys: [String], values: [JSONValue]) {
        precondition(keys.count == values.count, "an object needs one value for each key")
        self.keys = keys
        self.values = values
        index = [:]
        if keys.count > Self.linearSearchMax { rebuildIndex() }
    }

    public var count: Int { keys.count }
    public var isEmpty: Bool { keys.isEmpty }

    public func contains(_ key: String) -> Bool { position(of: key) != nil }

    /// The value of a key. Setting `nil` removes the member; setting a new key appends it.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { values[$0] } }
        set {
            switch (position(of: key), newValue) {
            case (let found?, let value?): values[found] = value
            case (let found?, nil):
                keys.remove(at: found)
                values.remove(at: found)
                if !index.isEmpty { rebuildIndex() }
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        keys.append(key)
        values.append(value)
        if keys.count == Self.linearSearchMax + 1 { rebuildIndex() } else if keys.count > Self.linearSearchMax { index[key] = keys.count - 1 }
    }

    private func position(of key: String) -> Int? {
        keys.count > Self.linearSearchMax ? index[key] : keys.firstIndex(of: key)
    }

    private mutating func rebuildIndex() {
        index.removeAll(keepingCapacity: true)
        guard keys.count > Self.linearSearchMax else { return }
        for (position, key) in keys.enumerated() { index[key] = position }
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> Zip2Sequence<[String], [JSONValue]>.Iterator { zip(keys, values).makeIterator() }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        if left.keys == right.keys { return left.values == right.values }
        return left.allSatisfy { key, value in right[key] == value }
    }

    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for (key, value) in self {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            combined ^= member.finalize()  // Order must not count.
        }
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
