// JSON Patch (RFC 6902) over JSON Pointer (RFC 6901) and JSON Merge Patch (RFC 7386).
// Finalizers and exact changes are sent as JSON patches; the test server applies both kinds.
// It never changes a document halfway: a patch that fails leaves the original as it was.

import JSON

/// Why a patch cannot be read or applied.
public struct PatchError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// The patch document itself is wrong.
        case malformed
        /// A path does not exist in the document.
        case missingPath
        /// A `test` operation found another value.
        case testFailed
    }
    public let code: Code
    public let message: String
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { message }
}

/// A path into a document: RFC 6901 with its escapes `~0` and `~1`.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    public let tokens: [String]

    public init(_ tokens: [String]) { self.tokens = tokens }

    public init(parsing text: String) throws(PatchError) {
        if text.isEmpty {
            tokens = []
            return
        }
        guard text.hasPrefix("/") else { throw PatchError(.malformed, "the path '\(text)' does not start with '/'") }
        var out: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) { out.append(try Self.unescape(part)) }
        tokens = out
    }

    public var description: String {
        tokens.map { token in
            "/" + token.reduce(into: "") { $0 += $1 == "~" ? "~0" : $1 == "/" ? "~1" : String($1) }
        }.joined()
    }

    private static func unescape(_ part: Substring) throws(PatchError) -> String {
        var out = ""
        var isEscape = false
        for character in part.unicodeScalars {
            switch (isEscape, character) {
            case (true, "0"): out += "~"
            case (true, "1"): out += "/"
            case (true, _): throw PatchError(.malformed, "'~' in a path is followed by neither 0 nor 1")
            case (false, "~"): break
            default: out.unicodeScalars.append(character)
            }
            isEscape = !isEscape && character == "~"
        }
        if isEscape { throw PatchError(.malformed, "a path ends in '~'") }
        return out
    }
}

/// A list of operations, applied in order, all or none.
public struct JSONPatch: Hashable, Sendable {
    public enum Operation: Hashable, Sendable {
        case add(JSONPointer, JSONValue)
        case remove(JSONPointer)
        case replace(JSONPointer, JSONValue)
        case test(JSONPointer, JSONValue)
        case move(from: JSONPointer, to: JSONPointer)
        case copy(from: JSONPointer, to: JSONPointer)
    }

    /// The most operations that a kube-apiserver takes in one patch.
    public static let operationsMax = 10_000

    public var operations: [Operation]

    public init(_ operations: [Operation]) { self.operations = operations }

    public init(decoding document: JSONValue) throws(PatchError) {
        guard let entries = document.array else { throw PatchError(.malformed, "a JSON patch is an array of operations, this is \(document.kindName)") }
        guard entries.count <= Self.operationsMax else {
            throw PatchError(.malformed, "a JSON patch has at most \(Self.operationsMax) operations, this one has \(entries.count)")
        }
        operations = []
        for entry in entries { operations.append(try Self.operation(entry)) }
    }

    private static func operation(_ entry: JSONValue) throws(PatchError) -> Operation {
        func pointer(_ key: String) throws(PatchError) -> JSONPointer {
            guard let text = entry[key]?.string else { throw PatchError(.malformed, "an operation has no '\(key)'") }
            return try JSONPointer(parsing: text)
        }
        func value() throws(PatchError) -> JSONValue {
            guard let value = entry["value"] else { throw PatchError(.malformed, "an operation has no 'value'") }
            return value
        }
        switch entry["op"]?.string {
        case "add": return .add(try pointer("path"), try value())
        case "remove": return .remove(try pointer("path"))
        case "replace": return .replace(try pointer("path"), try value())
        case "test": return .test(try pointer("path"), try value())
        case "move": return .move(from: try pointer("from"), to: try pointer("path"))
        case "copy": return .copy(from: try pointer("from"), to: try pointer("path"))
        case let name: throw PatchError(.malformed, "'\(name ?? "")' is no operation of a JSON patch")
        }
    }

    public var jsonValue: JSONValue {
        .array(
            operations.map { operation in
                switch operation {
                case .add(let path, let value): ["op": "add", "path": .string(path.description), "value": value]
                case .remove(let path): ["op": "remove", "path": .string(path.description)]
                case .replace(let path, let value): ["op": "replace", "path": .string(path.description), "value": value]
                case .test(let path, let value): ["op": "test", "path": .string(path.description), "value": value]
                case .move(let from, let path): ["op": "move", "from": .string(from.description), "path": .string(path.description)]
                case .copy(let from, let path): ["op": "copy", "from": .string(from.description), "path": .string(path.description)]
                }
            })
    }

    /// The document after all operations. - Throws: `PatchError` of the first operation that cannot be done.
    public func apply(to document: JSONValue) throws(PatchError) -> JSONValue {
        var out = document
        for operation in operations {
            switch operation {
            case .add(let path, let value): try out.add(value, at: path.tokens[...], path)
            case .remove(let path): _ = try out.remove(at: path.tokens[...], path)
            case .replace(let path, let value): try out.replace(value, at: path.tokens[...], path)
            case .test(let path, let value):
                guard try out.value(at: path).isSame(as: value) else { throw PatchError(.testFailed, "the value at '\(path)' is not the one tested for") }
            case .move(let from, let path):
                if path.tokens.count > from.tokens.count, path.tokens.starts(with: from.tokens) {
                    throw PatchError(.malformed, "'\(from)' cannot move into itself")
                }
                let value = try out.remove(at: from.tokens[...], from)
                try out.add(value, at: path.tokens[...], path)
            case .copy(let from, let path): try out.add(try out.value(at: from), at: path.tokens[...], path)
            }
        }
        return out
    }
}

/// JSON Merge Patch (RFC 7386).
public enum MergePatch {
    /// The target with the patch merged in: null removes a key, objects merge, everything else replaces.
    public static func apply(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
        guard let members = patch.object else { return patch }
        var out = target.object ?? JSONObject()
        for (key, value) in members {
            // Written out: `nil` as one branch of a conditional expression would be a JSON null.
            if value.isNull { out[key] = Optional<JSONValue>.none } else { out[key] = apply(value, to: out[key] ?? .null) }
        }
        return .object(out)
    }
}

extension JSONValue {
    fileprivate func value(at path: JSONPointer) throws(PatchError) -> JSONValue {
        var value = self
        for token in path.tokens { value = try value.child(token, path) }
        return value
    }

    private func child(_ token: String, _ path: JSONPointer) throws(PatchError) -> JSONValue {
        if let elements = array { return elements[try Self.position(token, below: elements.count, path)] }
        guard let child = self[token] else { throw PatchError(.missingPath, "there is nothing at '\(path)'") }
        return child
    }

    fileprivate mutating func add(_ value: JSONValue, at tokens: ArraySlice<String>, _ path: JSONPointer) throws(PatchError) {
        try change(tokens, path, whole: { $0 = value }) { (parent, token) throws(PatchError) in
            guard var elements = parent.array else {
                parent[token] = value
                return
            }
            elements.insert(value, at: token == "-" ? elements.count : try Self.position(token, below: elements.count + 1, path))
            parent = .array(elements)
        }
    }

    fileprivate mutating func replace(_ value: JSONValue, at tokens: ArraySlice<String>, _ path: JSONPointer) throws(PatchError) {
        try change(tokens, path, whole: { $0 = value }) { (parent, token) throws(PatchError) in
            _ = try parent.child(token, path)
            guard var elements = parent.array else {
                parent[token] = value
                return
            }
            elements[try Self.position(token, below: elements.count, path)] = value
            parent = .array(elements)
        }
    }

    fileprivate mutating func remove(at tokens: ArraySlice<String>, _ path: JSONPointer) throws(PatchError) -> JSONValue {
        var removed = self
        try change(tokens, path, whole: { $0 = .null }) { (parent, token) throws(PatchError) in
            removed = try parent.child(token, path)
            guard var elements = parent.array else {
                parent[token] = nil
                return
            }
            elements.remove(at: try Self.position(token, below: elements.count, path))
            parent = .array(elements)
        }
        return removed
    }

    /// Walks to the parent of the last token and changes it; `whole` is for the empty path.
    private mutating func change(
        _ tokens: ArraySlice<String>, _ path: JSONPointer, whole: (inout JSONValue) -> Void,
        _ body: (inout JSONValue, String) throws(PatchError) -> Void
    ) throws(PatchError) {
        guard let token = tokens.first else { return whole(&self) }
        guard object != nil || array != nil else { throw PatchError(.missingPath, "'\(path)' goes through a value that has no members") }
        if tokens.count == 1 { return try body(&self, token) }
        var child = try child(token, path)
        try child.change(tokens.dropFirst(), path, whole: whole, body)
        if var elements = array {
            elements[try Self.position(token, below: elements.count, path)] = child
            self = .array(elements)
        } else {
            self[token] = child
        }
    }

    private static func position(_ token: String, below limit: Int, _ path: JSONPointer) throws(PatchError) -> Int {
        let isIndex = token == "0" || (token.utf8.first != UInt8(ascii: "0") && !token.isEmpty && token.utf8.allSatisfy { (48...57).contains($0) })
        guard isIndex, let position = Int(token), position < limit else {
            throw PatchError(.missingPath, "'\(token)' in '\(path)' is no place in an array of \(limit) places")
        }
        return position
    }

    /// RFC 6902 section 4.6: numbers are equal when they are numerically equal, the order of keys does not count.
    fileprivate func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.array(let left), .array(let right)): left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)): left.count == right.count && left.allSatisfy { key, value in right[key].map(value.isSame(as:)) ?? false }
        case (.double, .int), (.double, .uint), (.int, .double), (.uint, .double): double == other.double
        default: self == other
        }
    }
}
