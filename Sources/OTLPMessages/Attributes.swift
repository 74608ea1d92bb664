// Attributes, resources and scopes: what OTLP says about the origin of data (opentelemetry-proto v1, common.proto and resource.proto).
// Metrics carry them; ProbeCore builds them from identities.
// They never check a name against the semantic conventions.

/// A value of an attribute: the four scalar kinds of `AnyValue`.
public enum AttributeValue: Hashable, Sendable {
    case string(String)
    case bool(Bool)
    case int(Int64)
    case double(Double)
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
}

/// A key and its value. A list of attributes must hold each key once.
public struct Attribute: Hashable, Sendable {
    public var key: String
    public var value: AttributeValue

    public init(_ key: String, _ value: AttributeValue) {
        self.key = key
        self.value = value
    }
}

/// What the data is about: a container, a host service, the agent itself.
public struct Resource: Hashable, Sendable {
    public var attributes: [Attribute]

    public init(_ attributes: [Attribute]) { self.attributes = attributes }
}

/// The library that took the measurements.
public struct Scope: Hashable, Sendable {
    public var name: String
    public var version: String
    /// The schema that metric and attribute names follow; written beside the scope, as `ScopeMetrics.schema_url`. Empty means none.
    public var schemaURL: String

    public init(name: String, version: String, schemaURL: String = "") {
        self.name = name
        self.version = version
        self.schemaURL = schemaURL
    }
}

extension ProtobufWriter {
    /// `repeated KeyValue`: key = 1, value = 2.
    mutating func attributes(_ field: Int, _ attributes: [Attribute]) {
        for attribute in attributes {
            message(field) { writer in
                writer.string(1, attribute.key)
                writer.message(2) { $0.anyValue(attribute.value) }
            }
        }
    }

    /// `AnyValue`: string = 1, bool = 2, int = 3, double = 4, one of them; a member of a oneof is written also when it is zero.
    private mutating func anyValue(_ value: AttributeValue) {
        switch value {
        case .string(let value): string(1, value)
        case .bool(let value): integer(2, value ? 1 : 0)
        case .int(let value): integer(3, UInt64(bitPattern: value))
        case .double(let value): double(4, value)
        }
    }

    /// `InstrumentationScope`: name = 1, version = 2.
    mutating func scope(_ field: Int, _ scope: Scope) {
        message(field) { writer in
            writer.nonEmptyString(1, scope.name)
            writer.nonEmptyString(2, scope.version)
        }
    }
}
