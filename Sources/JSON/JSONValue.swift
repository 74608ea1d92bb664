// The one in-memory form of every document in Sonde: Kubernetes objects, collector configurations, agent files.
// Every target above it reads and builds documents with this type; object keys keep the order in which they came.
// It never does I/O and never loses an integer: values outside of Int64 stay exact as UInt64, everything else is a Double.

/// A JSON document: RFC 8259's six kinds of value, with integers kept apart from other numbers.
///
/// Equality follows Kubernetes: the order of an object's keys does not count, `1` and `1.0` differ.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// An integer that fits 64 signed bits.
    case int(Int64)
    /// An integer above `Int64.max`; smaller ones are always `.int`, so that each number has one form.
    case uint(UInt64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue: Hashable {
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.uint(let a), .uint(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .uint(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value)
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

extension JSONValue {
    /// An integer in its one form.
    public init(_ integer: some FixedWidthInteger) {
        if let signed = Int64(exactly: integer) {
            self = .int(signed)
        } else if let unsigned = UInt64(exactly: integer) {
            self = .uint(unsigned)
        } else {
            self = .double(Double(integer))
        }
    }

    public var isNull: Bool { if case .null = self { true } else { false } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The value as an `Int`; a double counts when it is whole and exact.
    public var int: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .uint(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// Any number as a `Double`.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .uint(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The member of an object; `nil` when this is no object or has no such key. Setting `nil` removes the key; setting on `.null` makes an object.
    public subscript(key: String) -> JSONValue? {
        get { object?[key] }
        set {
            switch self {
            case .object(var members):
                self = .null  // Gives up the shared storage, so that the change below is made in place.
                members[key] = newValue
                self = .object(members)
            case .null:
                self = .object(JSONObject())
                self[key] = newValue
            default:
                preconditionFailure("a member is set on a JSON value that is no object")
            }
        }
    }

    /// The element of an array; `nil` when this is no array or is too short.
    public subscript(index: Int) -> JSONValue? {
        guard let elements = array, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The value at a path of object keys: `pod.at("metadata", "name")`.
    public func at(_ path: String...) -> JSONValue? { at(path) }

    /// The value at a path of object keys.
    public func at(_ path: [String]) -> JSONValue? {
        var value = self
        for key in path {
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }

    /// Sets the value at a path of object keys, making the objects on the way.
    public mutating func set(_ path: [String], to newValue: JSONValue?) {
        guard let first = path.first else {
            if let newValue { self = newValue }
            return
        }
        if path.count == 1 {
            self[first] = newValue
        } else {
            var child = self[first] ?? .object(JSONObject())
            if child.object == nil { child = .object(JSONObject()) }
            child.set(Array(path.dropFirst()), to: newValue)
            self[first] = child
        }
    }

    /// The kind of value in the words of JSON Schema: `null`, `boolean`, `integer`, `number`, `string`, `array`, `object`.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .int, .uint: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}
