// The JSONPath of printer columns and selectable fields (apiextensions.k8s.io/v1): fields, indexes, `[*]` and one kind of filter.
// Tables read cells with it, and a definition with a path that does not parse is refused.
// It never supports what kubectl's own templates do beyond that: unions, slices, recursive descent, ranges.

import JSON

/// A path such as `.status.conditions[?(@.type=="Ready")].status`.
struct JSONPath: Hashable, Sendable {
    private enum Step: Hashable {
        case field(String)
        /// Negative counts from the end.
        case index(Int)
        case all
        /// Elements whose member at the path equals the value, or does not.
        case filter([String], isEqual: Bool, JSONValue)
    }

    private let steps: [Step]

    /// Nil when the text is no path of this subset.
    init?(_ text: String) {
        var rest = text[...]
        if rest.hasPrefix("{"), rest.hasSuffix("}") { rest = rest.dropFirst().dropLast() }
        if rest.hasPrefix("$") { rest.removeFirst() }
        var steps: [Step] = []
        while !rest.isEmpty {
            guard let step = Self.step(&rest) else { return nil }
            steps.append(step)
        }
        self.steps = steps
    }

    /// The values found, in order; null counts as absent.
    func values(in object: JSONValue) -> [JSONValue] {
        var current = [object]
        for step in steps { current = current.flatMap { Self.take(step, $0) } }
        return current.filter { !$0.isNull }
    }

    private static func take(_ step: Step, _ value: JSONValue) -> [JSONValue] {
        switch step {
        case .field(let name): value[name].map { [$0] } ?? []
        case .index(let index): value[index < 0 ? (value.array?.count ?? 0) + index : index].map { [$0] } ?? []
        case .all: value.array ?? value.object?.values ?? []
        case .filter(let path, let isEqual, let wanted):
            (value.array ?? []).filter { element in element.at(path).map { ($0 == wanted) == isEqual } ?? false }
        }
    }

    private static func step(_ rest: inout Substring) -> Step? {
        if let match = rest.prefixMatch(of: /\[\?\(\s*@((?:\.[A-Za-z0-9_\-]+)+)\s*(==|!=)\s*("[^"]*"|'[^']*'|[0-9]+|true|false)\s*\)\]/) {
            rest = rest[match.range.upperBound...]
            let path = match.output.1.split(separator: ".").map(String.init)
            return .filter(path, isEqual: match.output.2 == "==", literal(match.output.3))
        }
        if let match = rest.prefixMatch(of: /\[(-?[0-9]+|\*)\]/) {
            rest = rest[match.range.upperBound...]
            return Int(match.output.1).map { .index($0) } ?? .all
        }
        if let match = rest.prefixMatch(of: /\['([^']+)'\]/) {
            rest = rest[match.range.upperBound...]
            return .field(String(match.output.1))
        }
        // A dot inside of a name is escaped: .metadata.labels.app\.kubernetes\.io/name
        if let match = rest.prefixMatch(of: /\.((?:\\\.|[^.\[\]\\{}\s])+)/) {
            rest = rest[match.range.upperBound...]
            return .field(match.output.1.split(separator: "\\.", omittingEmptySubsequences: false).joined(separator: "."))
        }
        return nil
    }

    private static func literal(_ text: Substring) -> JSONValue {
        switch text {
        case "true": true
        case "false": false
        default: Int64(text).map { .int($0) } ?? .string(String(text.dropFirst().dropLast()))
        }
    }
}
