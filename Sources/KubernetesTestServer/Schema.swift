// What the server knows about the fields of a kind: types, list types and keys, defaults and rules, for built-in kinds and custom ones alike.
// Pruning, defaulting, validation, server-side apply, strategic merge and OpenAPI all read this one form.
// It never changes after it was built.

import JSON

/// One node of a structural schema (apiextensions.k8s.io/v1 JSONSchemaProps, as far as the server uses it).
struct Schema: Sendable {
    enum Kind: String, Sendable { case object, array, string, integer, number, boolean, any }

    enum ListType: Hashable, Sendable {
        case atomic
        case set
        /// Elements are known by the values of these fields.
        case map([String])
    }

    var kind: Kind
    var properties: [String: Schema] = [:]
    /// At most one: the schema of a map's values.
    private var additionalBox: [Schema] = []
    /// At most one: the schema of a list's elements.
    private var itemsBox: [Schema] = []
    var listType: ListType = .atomic
    var isAtomicMap = false
    var preservesUnknownFields = false
    var isEmbeddedResource = false
    var isIntOrString = false
    /// A resource.Quantity: stored in its canonical text.
    var isQuantity = false
    var isNullable = false
    var defaultValue: JSONValue?
    var rules = ValueRules()
    /// `x-kubernetes-validations`.
    var celRules: [CELRule] = []
    /// Strategic merge: the key of a list's elements (patchMergeKey).
    var mergeKey: String?
    /// Strategic merge: lists are merged instead of replaced.
    var mergesList = false
    /// Strategic merge: fields that the patch does not name are dropped (patchStrategy retainKeys).
    var retainsKeys = false
    /// The name of a built-in type: `core.Container`.
    var typeName: String?
    var description = ""

    init(_ kind: Kind) { self.kind = kind }

    var additional: Schema? {
        get { additionalBox.first }
        set { additionalBox = newValue.map { [$0] } ?? [] }
    }

    var items: Schema? {
        get { itemsBox.first }
        set { itemsBox = newValue.map { [$0] } ?? [] }
    }

    /// A value of any type, every field kept.
    static let any: Schema = {
        var schema = Schema(.any)
        schema.preservesUnknownFields = true
        return schema
    }()

    /// The schema of a member of an object; nil for a field that the schema does not have.
    func member(_ key: String) -> Schema? {
        if let property = properties[key] { return property }
        if let additional { return additional }
        return preservesUnknownFields || kind == .any ? .any : nil
    }

    /// The schema at a path of field names.
    func at(_ path: [String]) -> Schema? {
        var schema = self
        for key in path {
            guard let next = schema.member(key) else { return nil }
            schema = next
        }
        return schema
    }

    /// True for objects whose fields have owners of their own.
    var isGranularMap: Bool { !isAtomicMap && (kind == .object || kind == .any) }
}

/// The value validations of a schema node.
struct ValueRules: Sendable {
    var required: [String] = []
    var allowed: [JSONValue]?
    var format: String?
    var pattern: String?
    var minimum: (value: Double, isExclusive: Bool)?
    var maximum: (value: Double, isExclusive: Bool)?
    var lengths: ClosedRange<Int> = 0...Int.max
    var itemCounts: ClosedRange<Int> = 0...Int.max
    var memberCounts: ClosedRange<Int> = 0...Int.max
    var multipleOf: Double?
    var hasUniqueItems = false
    /// Value validations only: `allOf`, `anyOf`, `oneOf`, `not`.
    var allOf: [Schema] = []
    var anyOf: [Schema] = []
    var oneOf: [Schema] = []
    var not: [Schema] = []
}
