// The Common Expression Language as far as this server understands it: tokens and syntax tree (cel-spec, langdef).
// CELRule parses the rules of custom resource definitions with it; what it does not know is refused there, as a real server refuses what does not compile.
// It never evaluates anything.

import JSON

/// What is wrong with an expression.
struct CELError: Error, Hashable {
    let message: String
    /// `1:12`, line and column of what could not be parsed; nil for errors that are found later.
    var position: String?
    init(_ message: String) { self.message = message }
}

indirect enum CELExpression: Hashable, Sendable {
    case literal(JSONValue)
    case name(String)
    case field(CELExpression, String)
    case index(CELExpression, CELExpression)
    /// `has(a.b)`.
    case has(CELExpression, String)
    case not(CELExpression)
    case negative(CELExpression)
    case binary(String, CELExpression, CELExpression)
    case conditional(CELExpression, CELExpression, CELExpression)
    case list([CELExpression])
    /// A function or a method; the target of a method is the first argument.
    case call(String, [CELExpression])
    /// `list.all(x, condition)` and its kin.
    case macro(String, CELExpression, variable: String, CELExpression)
}

struct CELParser {
    private static let methods: Set<String> = ["size", "startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii", "trim"]
    private static let functions: Set<String> = ["size", "int", "string", "double", "isURL"]
    private static let macros: Set<String> = ["all", "exists", "exists_one", "filter", "map"]
    private static let levels: [[String]] = [["||"], ["&&"], ["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"]]

    private enum Token: Hashable {
        case name(String)
        case literal(JSONValue)
        case symbol(String)
    }

    /// Parentheses, indexes and arguments inside of each other; more would only exhaust the stack.
    private static let depthMax = 100

    private var tokens: [Token] = []
    /// Where each token starts in the text.
    private var starts: [String.Index] = []
    private var position = 0
    private var depth = 0

    static func parse(_ text: String) throws(CELError) -> CELExpression {
        var parser = CELParser()
        do throws(CELError) {
            try parser.scan(text)
            parser.position = 0
            let out = try parser.conditional()
            if parser.position < parser.tokens.count { throw CELError("unexpected \(parser.shown(try parser.next()))") }
            return out
        } catch {
            var placed = error
            placed.position = parser.place(in: text)
            throw placed
        }
    }

    /// Line and column of the token that was read last, or of the end.
    private func place(in text: String) -> String {
        let start = position > 0 && position <= starts.count ? starts[position - 1] : starts.last ?? text.startIndex
        let before = text[..<start]
        let line = before.count(where: \.isNewline) + 1
        return "\(line):\(before.reversed().prefix { !$0.isNewline }.count + 1)"
    }

    private mutating func conditional() throws(CELError) -> CELExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw CELError("the expression is nested more than \(Self.depthMax) times") }
        let condition = try binary(0)
        guard take("?") else { return condition }
        let first = try conditional()
        try expect(":")
        return .conditional(condition, first, try conditional())
    }

    private mutating func binary(_ level: Int) throws(CELError) -> CELExpression {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level + 1)
        while let found = Self.levels[level].first(where: { isNext($0) }) {
            position += 1
            left = .binary(found, left, try binary(level + 1))
        }
        return left
    }

    private mutating func unary() throws(CELError) -> CELExpression {
        if take("!") { return .not(try nested()) }
        if take("-") { return .negative(try nested()) }
        return try postfix(try primary())
    }

    private mutating func nested() throws(CELError) -> CELExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw CELError("the expression is nested more than \(Self.depthMax) times") }
        return try unary()
    }

    private mutating func postfix(_ start: CELExpression) throws(CELError) -> CELExpression {
        var out = start
        while true {
            if take("[") {
                out = .index(out, try conditional())
                try expect("]")
            } else if take(".") {
                guard case .name(let name) = try next() else { throw CELError("a field name is expected after '.'") }
                out = take("(") ? try method(name, on: out) : .field(out, name)
            } else {
                return out
            }
        }
    }

    private mutating func method(_ name: String, on target: CELExpression) throws(CELError) -> CELExpression {
        if Self.macros.contains(name) {
            guard case .name(let variable) = try next() else { throw CELError("\(name)() needs a variable first") }
            try expect(",")
            let body = try conditional()
            try expect(")")
            return .macro(name, target, variable: variable, body)
        }
        guard Self.methods.contains(name) else {
            position -= 1  // The name's place is shown, not that of the parenthesis.
            throw CELError("undeclared reference to '\(name)': this server's CEL has no such method")
        }
        return .call(name, [target] + (try arguments()))
    }

    private mutating func primary() throws(CELError) -> CELExpression {
        switch try next() {
        case .literal(let value): return .literal(value)
        case .symbol("("):
            let inner = try conditional()
            try expect(")")
            return inner
        case .symbol("["): return .list(try arguments(end: "]"))
        case .name("true"): return .literal(true)
        case .name("false"): return .literal(false)
        case .name("null"): return .literal(nil)
        case .name(let name) where isNext("("):
            position += 1
            return try function(name)
        case .name(let name): return .name(name)
        case let token: throw CELError("unexpected \(shown(token))")
        }
    }

    private mutating func function(_ name: String) throws(CELError) -> CELExpression {
        if name == "has" {
            let argument = try conditional()
            try expect(")")
            guard case .field(let target, let field) = argument else { throw CELError("has() takes the selection of a field") }
            return .has(target, field)
        }
        guard Self.functions.contains(name) else {
            position -= 1
            throw CELError("undeclared reference to '\(name)': this server's CEL has no such function")
        }
        return .call(name, try arguments())
    }

    private mutating func arguments(end: String = ")") throws(CELError) -> [CELExpression] {
        var out: [CELExpression] = []
        if take(end) { return out }
        repeat { out.append(try conditional()) } while take(",")
        try expect(end)
        return out
    }

    private func isNext(_ symbol: String) -> Bool {
        guard position < tokens.count else { return false }
        return tokens[position] == .symbol(symbol) || (symbol == "in" && tokens[position] == .name("in"))
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard isNext(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELError) {
        if !take(symbol) { throw CELError("'\(symbol)' is expected\(position < tokens.count ? " before \(shown(tokens[position]))" : " at the end")") }
    }

    private mutating func next() throws(CELError) -> Token {
        guard position < tokens.count else {
            position = starts.count
            throw CELError("the expression ends too early")
        }
        position += 1
        return tokens[position - 1]
    }

    private func shown(_ token: Token) -> String {
        switch token {
        case .name(let name): "'\(name)'"
        case .literal(let value): value.text()
        case .symbol(let symbol): "'\(symbol)'"
        }
    }

    private mutating func scan(_ text: String) throws(CELError) {
        var rest = text[...]
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
                continue
            }
            starts.append(rest.startIndex)
            position = starts.count
            if first == "'" || first == "\"" {
                tokens.append(.literal(.string(try Self.string(&rest))))
            } else if let match = rest.prefixMatch(of: /[0-9]+(\.[0-9]+)?/) {
                rest = rest[match.range.upperBound...]
                let digits = String(match.output.0)
                tokens.append(.literal(Int64(digits).map { .int($0) } ?? .double(Double(digits) ?? 0)))
            } else if let match = rest.prefixMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) {
                rest = rest[match.range.upperBound...]
                tokens.append(.name(String(match.output)))
            } else if let match = rest.prefixMatch(of: /\|\||&&|==|!=|<=|>=|[-+*\/%<>!?:.,()\[\]]/) {
                rest = rest[match.range.upperBound...]
                tokens.append(.symbol(String(match.output)))
            } else {
                throw CELError("unexpected character '\(first)'")
            }
        }
    }

    private static func string(_ rest: inout Substring) throws(CELError) -> String {
        let quote = rest.removeFirst()
        var out = ""
        while let character = rest.popFirst() {
            if character == quote { return out }
            guard character == "\\" else {
                out.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": out.append("\n")
            case "t": out.append("\t")
            case let escaped? where "\\'\"".contains(escaped): out.append(escaped)
            default: throw CELError("this server's CEL knows the escapes \\n \\t \\\\ \\' \\\"")
            }
        }
        throw CELError("a string is not closed")
    }
}
