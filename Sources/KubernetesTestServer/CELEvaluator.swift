// Evaluates a parsed expression over JSON values.
// CELRule runs the rules of custom resource definitions with it.
// It never loops without end: expressions have no loops but those over the object's own lists and maps.

import JSON

struct CELEvaluator {
    var variables: [String: JSONValue]

    func value(_ expression: CELExpression) throws(CELError) -> JSONValue {
        switch expression {
        case .literal(let value): return value
        case .name(let name):
            guard let value = variables[name] else { throw CELError("undeclared reference to '\(name)'") }
            return value
        case .field(let target, let name):
            guard let value = try self.value(target)[Self.fieldName(name)] else { throw CELError("no such key: \(name)") }
            return value
        case .has(let target, let name): return .bool(try value(target)[Self.fieldName(name)] != nil)
        case .index(let target, let index): return try element(try value(target), try value(index))
        case .not(let inner): return .bool(!(try bool(inner)))
        case .negative(let inner): return try arithmetic("-", 0, try value(inner))
        case .conditional(let condition, let first, let second): return try bool(condition) ? try value(first) : try value(second)
        case .list(let elements):
            var out: [JSONValue] = []
            for element in elements { out.append(try value(element)) }
            return .array(out)
        case .binary(let name, let left, let right): return try binary(name, left, right)
        case .call(let name, let arguments): return try call(name, arguments)
        case .macro(let name, let target, let variable, let body): return try macro(name, try value(target), variable, body)
        }
    }

    /// Names that are no CEL identifiers are escaped (Kubernetes CEL, "Escaping").
    static func fieldName(_ name: String) -> String {
        guard name.contains("__") else { return name }
        var out = name
        for (escape, text) in [("__dot__", "."), ("__dash__", "-"), ("__slash__", "/"), ("__underscores__", "__")] {
            while let range = out.firstRange(of: escape) { out.replaceSubrange(range, with: text) }
        }
        return out
    }

    func bool(_ expression: CELExpression) throws(CELError) -> Bool {
        guard let out = try value(expression).bool else { throw CELError("no such overload: a bool is expected") }
        return out
    }

    /// An error on one side of `&&` and `||` does not count when the other side decides.
    private func binary(_ name: String, _ left: CELExpression, _ right: CELExpression) throws(CELError) -> JSONValue {
        if name == "&&" || name == "||" {
            let decisive = name == "||"
            let first: Result<Bool, CELError> = result { () throws(CELError) in try bool(left) }
            if case .success(decisive) = first { return .bool(decisive) }
            let second: Result<Bool, CELError> = result { () throws(CELError) in try bool(right) }
            if case .success(decisive) = second { return .bool(decisive) }
            _ = try first.get()
            return .bool(try second.get())
        }
        let (a, b) = (try value(left), try value(right))
        switch name {
        case "==": return .bool(Self.isEqual(a, b))
        case "!=": return .bool(!Self.isEqual(a, b))
        case "in": return .bool(b.array?.contains { Self.isEqual($0, a) } ?? (a.string.flatMap { b[$0] } != nil))
        case "<", "<=", ">", ">=": return .bool(try compare(name, a, b))
        default: return try arithmetic(name, a, b)
        }
    }

    private func result(_ body: () throws(CELError) -> Bool) -> Result<Bool, CELError> {
        do { return .success(try body()) } catch { return .failure(error) }
    }

    private static func isEqual(_ a: JSONValue, _ b: JSONValue) -> Bool {
        if let left = a.double, let right = b.double { return left == right }
        return a == b
    }

    private func compare(_ name: String, _ a: JSONValue, _ b: JSONValue) throws(CELError) -> Bool {
        func ordered<T: Comparable>(_ a: T, _ b: T) -> Bool {
            switch name {
            case "<": a < b
            case "<=": a <= b
            case ">": a > b
            default: a >= b
            }
        }
        if let a = a.double, let b = b.double { return ordered(a, b) }
        if let a = a.string, let b = b.string { return ordered(a, b) }
        throw CELError("no such overload: \(a.kindName) \(name) \(b.kindName)")
    }

    private func arithmetic(_ name: String, _ a: JSONValue, _ b: JSONValue) throws(CELError) -> JSONValue {
        switch (a, b, name) {
        case (.string(let a), .string(let b), "+"): return .string(a + b)
        case (.array(let a), .array(let b), "+"): return .array(a + b)
        case (.int(let a), .int(let b), _):
            let (value, overflow) =
                switch name {
                case "+": a.addingReportingOverflow(b)
                case "-": a.subtractingReportingOverflow(b)
                case "*": a.multipliedReportingOverflow(by: b)
                case "/": a.dividedReportingOverflow(by: b)
                default: a.remainderReportingOverflow(dividingBy: b)
                }
            if overflow { throw CELError(b != 0 ? "integer overflow" : name == "/" ? "division by zero" : "modulus by zero") }
            return .int(value)
        case _ where name != "%":
            guard let a = a.double, let b = b.double else { break }
            return .double(name == "+" ? a + b : name == "-" ? a - b : name == "*" ? a * b : a / b)
        default: break
        }
        throw CELError("no such overload: \(a.kindName) \(name) \(b.kindName)")
    }

    private func element(_ target: JSONValue, _ index: JSONValue) throws(CELError) -> JSONValue {
        if let elements = target.array {
            guard let position = index.int else { throw CELError("no such overload: list[\(index.kindName)]") }
            guard elements.indices.contains(position) else { throw CELError("index out of bounds: \(position)") }
            return elements[position]
        }
        if let key = index.string, let value = target[key] { return value }
        throw CELError("no such key: \(index.text())")
    }

    private func call(_ name: String, _ arguments: [CELExpression]) throws(CELError) -> JSONValue {
        var values: [JSONValue] = []
        for argument in arguments { values.append(try value(argument)) }
        switch (name, values.first, values.dropFirst().first) {
        case ("size", .string(let text)?, nil): return .int(Int64(text.unicodeScalars.count))
        case ("size", .array(let elements)?, nil): return .int(Int64(elements.count))
        case ("size", .object(let members)?, nil): return .int(Int64(members.count))
        case ("startsWith", .string(let text)?, .string(let part)?): return .bool(text.hasPrefix(part))
        case ("endsWith", .string(let text)?, .string(let part)?): return .bool(text.hasSuffix(part))
        case ("contains", .string(let text)?, .string(let part)?): return .bool(part.isEmpty || text.firstRange(of: part) != nil)
        case ("matches", .string(let text)?, .string(let pattern)?):
            guard let expression = RegularExpression(pattern) else { throw CELError("'\(pattern)' is no regular expression") }
            return .bool(expression.matches(text))
        case ("lowerAscii", .string(let text)?, nil): return .string(text.lowercased())
        case ("upperAscii", .string(let text)?, nil): return .string(text.uppercased())
        case ("trim", .string(let text)?, nil): return .string(String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()))
        case ("int", let value?, nil):
            guard let number = value.int ?? value.string.flatMap({ Int($0) }) else { throw CELError("cannot convert to int") }
            return .int(Int64(number))
        case ("double", let value?, nil):
            guard let number = value.double ?? value.string.flatMap({ Double($0) }) else { throw CELError("cannot convert to double") }
            return .double(number)
        case ("string", let value?, nil): return .string(value.string ?? value.text())
        case ("isURL", .string(let text)?, nil): return .bool(text.contains(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\/]/) || text.hasPrefix("/"))
        default: throw CELError("no such overload: \(name)(\(values.map(\.kindName).joined(separator: ", ")))")
        }
    }

    private func macro(_ name: String, _ target: JSONValue, _ variable: String, _ body: CELExpression) throws(CELError) -> JSONValue {
        guard let elements = target.array ?? target.object?.keys.map({ .string($0) }) else { throw CELError("\(name)() needs a list or a map") }
        var kept: [JSONValue] = []
        var mapped: [JSONValue] = []
        for element in elements {
            var inner = self
            inner.variables[variable] = element
            if name == "map" {
                mapped.append(try inner.value(body))
            } else if try inner.bool(body) {
                kept.append(element)
            }
        }
        switch name {
        case "all": return .bool(kept.count == elements.count)
        case "exists": return .bool(!kept.isEmpty)
        case "exists_one": return .bool(kept.count == 1)
        case "filter": return .array(kept)
        default: return .array(mapped)
        }
    }
}
