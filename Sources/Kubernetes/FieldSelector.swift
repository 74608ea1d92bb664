// Field selectors, as far as every kind supports them: metadata.name and metadata.namespace, equal or not equal.
// Lists and watches of single objects use them; the test server reads them.
// It never matches other fields: those are refused when the text is read.

import JSON

/// A conjunction of `field=value` and `field!=value`.
public struct FieldSelector: Hashable, Sendable {
    public enum Field: String, Sendable { case name = "metadata.name", namespace = "metadata.namespace" }

    public struct Requirement: Hashable, Sendable {
        public let field: Field
        public let value: String
        public let isNegated: Bool
        public init(_ field: Field, equals value: String) {
            self.init(field, value, isNegated: false)
        }
        public init(_ field: Field, isNot value: String) {
            self.init(field, value, isNegated: true)
        }
        private init(_ field: Field, _ value: String, isNegated: Bool) {
            self.field = field
            self.value = value
            self.isNegated = isNegated
        }
    }

    public var requirements: [Requirement]

    public init(_ requirements: [Requirement]) { self.requirements = requirements }

    /// Just the object of this name.
    public static func name(_ name: String) -> FieldSelector { FieldSelector([Requirement(.name, equals: name)]) }

    /// - Throws: `SelectorError` naming the part that is not understood.
    public init(parsing text: String) throws(SelectorError) {
        requirements = []
        for part in text.split(separator: ",") {
            let isNegated = part.contains("!=")
            guard let equals = part.firstIndex(of: "=") else { throw SelectorError("'\(part)' is no field selector: write field=value or field!=value") }
            var name = part[..<equals]
            if isNegated { name = name.dropLast() }
            var value = part[part.index(after: equals)...]
            if !isNegated, value.first == "=" { value = value.dropFirst() }
            guard let field = Field(rawValue: String(name)) else {
                throw SelectorError("field label not supported: \(name); supported are metadata.name and metadata.namespace")
            }
            requirements.append(isNegated ? Requirement(field, isNot: String(value)) : Requirement(field, equals: String(value)))
        }
    }

    public func matches(_ object: JSONValue) -> Bool {
        let metadata = object.metadata
        return requirements.allSatisfy { requirement in
            let value = requirement.field == .name ? metadata.name : metadata.namespace ?? ""
            return (value == requirement.value) != requirement.isNegated
        }
    }

    public var text: String { requirements.map { $0.field.rawValue + ($0.isNegated ? "!=" : "=") + $0.value }.joined(separator: ",") }
}

/// A label or field selector that cannot be read.
public struct SelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}
