// Reads the tables of built-in types into schemas.
// The registry of kinds takes the schema of each built-in kind from here.
// It never fails at run time: a test parses every line of the tables.

import JSON

/// The schemas of the built-in types by name.
struct BuiltInSchemas: Sendable {
    private(set) var schemas: [String: Schema] = [:]
    private var lines: [String: [Substring]] = [:]

    /// All types of both tables, parsed once.
    static let shared = BuiltInSchemas(tables: [builtInTypesCore, builtInTypesOther])

    init(tables: [String]) {
        var current = ""
        for line in tables.joined(separator: "\n").split(separator: "\n") {
            var words = line.split(separator: " ")
            if !line.hasPrefix(" ") { current = String(words.removeFirst()) }
            lines[current, default: []] += words
        }
        for name in lines.keys.sorted() { _ = schema(named: name) }
    }

    private mutating func schema(named name: String) -> Schema {
        let isAtomic = name.hasSuffix("!")
        let plain = isAtomic ? String(name.dropLast()) : name
        if var known = schemas[plain] {
            known.isAtomicMap = known.isAtomicMap || isAtomic
            return known
        }
        let key = lines[plain] == nil ? plain + "!" : plain
        guard let words = lines[key] else { return .any }
        var schema = Schema(.object)
        schema.typeName = plain
        schema.isAtomicMap = isAtomic || key.hasSuffix("!")
        for word in words {
            let parts = word.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            schema.properties[String(parts[0])] = field(parts[1])
        }
        schemas[plain] = schema
        return schema
    }

    private mutating func field(_ text: Substring) -> Schema {
        var text = text
        var retainsKeys = false
        var defaultValue: JSONValue?
        if let equals = text.lastIndex(of: "=") {
            defaultValue = .string(String(text[text.index(after: equals)...]))
            text = text[..<equals]
        }
        if text.hasSuffix("^") {
            retainsKeys = true
            text = text.dropLast()
        }
        var mergeKey: Substring?
        if let tilde = text.lastIndex(of: "~") {
            mergeKey = text[text.index(after: tilde)...]
            text = text[..<tilde]
        }
        var schema = type(text)
        schema.retainsKeys = retainsKeys
        schema.defaultValue = defaultValue
        schema.mergesList = mergeKey != nil
        schema.mergeKey = mergeKey.flatMap { $0.isEmpty ? nil : String($0) }
        return schema
    }

    private mutating func type(_ text: Substring) -> Schema {
        if text.hasPrefix("[") { return list(text) }
        if text.hasPrefix("map<") {
            let isAtomic = text.hasSuffix("!")
            var schema = Schema(.object)
            schema.additional = type(text.dropFirst(4).dropLast(isAtomic ? 2 : 1))
            schema.isAtomicMap = isAtomic
            return schema
        }
        switch text {
        case "string": return Schema(.string)
        case "int": return Schema(.integer)
        case "bool": return Schema(.boolean)
        case "any": return .any
        case "Time", "MicroTime":
            var schema = Schema(.string)
            schema.rules.format = "date-time"
            schema.isNullable = true  // A zero metav1.Time is written as null.
            return schema
        case "Quantity", "IntOrString":
            var schema = Schema(.any)
            schema.isIntOrString = true
            schema.isQuantity = text == "Quantity"
            return schema
        default: return schema(named: String(text))
        }
    }

    private mutating func list(_ text: Substring) -> Schema {
        var schema = Schema(.array)
        guard let close = text.lastIndex(of: "]") else { return .any }
        schema.items = type(text[text.index(after: text.startIndex)..<close])
        let relation = text[text.index(after: close)...]
        if relation == "{}" {
            schema.listType = .set
        } else if relation.hasPrefix("{") {
            schema.listType = .map(relation.dropFirst().dropLast().split(separator: ",").map(String.init))
        }
        return schema
    }
}
