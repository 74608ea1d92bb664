// Label selectors in both forms: the text of a query (`app=a,tier in (x,y),!old`) and the JSON of meta/v1 LabelSelector.
// Lists, watches, informers and the test server use it.
// It never compares numbers: the operators `>` and `<` are refused.

import JSON

/// A conjunction of requirements on labels; without requirements it matches everything.
public struct LabelSelector: Hashable, Sendable {
    public enum Operator: String, Sendable {
        case `in` = "In"
        /// Also true when the label is absent.
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
    }

    public struct Requirement: Hashable, Sendable {
        public let key: String
        public let `operator`: Operator
        /// Empty for `exists` and `doesNotExist`.
        public let values: [String]
        public init(_ key: String, _ operator: Operator, _ values: [String] = []) {
            self.key = key
            self.operator = `operator`
            self.values = values
        }

        func matches(_ labels: [String: String]) -> Bool {
            switch `operator` {
            case .in: labels[key].map(values.contains) ?? false
            case .notIn: !(labels[key].map(values.contains) ?? false)
            case .exists: labels[key] != nil
            case .doesNotExist: labels[key] == nil
            }
        }

        fileprivate var text: String {
            switch (`operator`, values.count) {
            case (.in, 1): "\(key)=\(values[0])"
            case (.notIn, 1): "\(key)!=\(values[0])"
            case (.in, _): "\(key) in (\(values.joined(separator: ",")))"
            case (.notIn, _): "\(key) notin (\(values.joined(separator: ",")))"
            case (.exists, _): key
            case (.doesNotExist, _): "!\(key)"
            }
        }
    }

    public var requirements: [Requirement]

    public init(_ requirements: [Requirement] = []) { self.requirements = requirements }

    /// Each label must have its value; requirements in the order of the keys, so that the text is stable.
    public init(matching labels: [String: String]) {
        self.init(labels.sorted { $0.key < $1.key }.map { Requirement($0.key, .in, [$0.value]) })
    }

    /// Reads `metav1.LabelSelector`: `matchLabels` and `matchExpressions`.
    /// - Throws: `SelectorError` naming the entry that is not understood.
    public init(decoding value: JSONValue) throws(SelectorError) {
        requirements = []
        for (key, label) in value["matchLabels"]?.object ?? [:] {
            guard let label = label.string else { throw SelectorError("matchLabels.\(key) is no string") }
            requirements.append(Requirement(key, .in, [label]))
        }
        for expression in value["matchExpressions"]?.array ?? [] {
            guard let key = expression["key"]?.string, let name = expression["operator"]?.string, let `operator` = Operator(rawValue: name) else {
                throw SelectorError("an entry of matchExpressions needs a key and an operator of In, NotIn, Exists, DoesNotExist")
            }
            let values = expression["values"]?.array?.compactMap(\.string) ?? []
            let needsValues = `operator` == .in || `operator` == .notIn
            guard needsValues != values.isEmpty else {
                throw SelectorError("the expression on '\(key)' \(needsValues ? "needs" : "takes no") values for \(name)")
            }
            requirements.append(Requirement(key, `operator`, values))
        }
    }

    /// Reads the text form of a query. - Throws: `SelectorError` naming what is wrong.
    public init(parsing text: String) throws(SelectorError) {
        var parser = LabelSelectorParser(text)
        requirements = try parser.requirements()
    }

    public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }

    public func matches(_ object: JSONValue) -> Bool { requirements.isEmpty || matches(object.metadata.labels) }

    /// The text form of a query.
    public var text: String { requirements.map(\.text).joined(separator: ",") }
}

/// Recursive descent over the grammar of k8s.io/apimachinery/pkg/labels `Parse`.
private struct LabelSelectorParser {
    private var tokens: [String] = []
    private var position = 0

    init(_ text: String) {
        var word = ""
        var previousWasBang = false
        func flush(_ word: inout String, _ tokens: inout [String]) {
            if !word.isEmpty { tokens.append(word) }
            word = ""
        }
        for character in text {
            switch character {
            case " ", "\t", "\n", "\r": flush(&word, &tokens)
            case "=" where word.isEmpty && (previousWasBang || tokens.last == "="):
                tokens[tokens.count - 1] += "="
                previousWasBang = false
                continue
            case ",", "(", ")", "=", "!", "<", ">":
                flush(&word, &tokens)
                tokens.append(String(character))
            default: word.append(character)
            }
            previousWasBang = character == "!"
        }
        flush(&word, &tokens)
    }

    mutating func requirements() throws(SelectorError) -> [LabelSelector.Requirement] {
        var out: [LabelSelector.Requirement] = []
        if tokens.isEmpty { return out }
        while true {
            out.append(try requirement())
            guard let separator = next() else { return out }
            guard separator == "," else { throw SelectorError("found '\(separator)' where a comma or the end is expected in a label selector") }
        }
    }

    private mutating func requirement() throws(SelectorError) -> LabelSelector.Requirement {
        if peek == "!" {
            position += 1
            return LabelSelector.Requirement(try key(), .doesNotExist)
        }
        let key = try key()
        switch peek {
        case nil, ",": return LabelSelector.Requirement(key, .exists)
        case "=", "==":
            position += 1
            return LabelSelector.Requirement(key, .in, [try value()])
        case "!=":
            position += 1
            return LabelSelector.Requirement(key, .notIn, [try value()])
        case "in":
            position += 1
            return LabelSelector.Requirement(key, .in, try list())
        case "notin":
            position += 1
            return LabelSelector.Requirement(key, .notIn, try list())
        case let other: throw SelectorError("found '\(other ?? "")' after '\(key)': the operators are = == != in notin")
        }
    }

    private mutating func key() throws(SelectorError) -> String {
        guard let key = next() else { throw SelectorError("a label selector ends where a label key is expected") }
        guard LabelSyntax.isKey(key) else { throw SelectorError("'\(key)' is no label key") }
        return key
    }

    /// A value; empty at the end and before a comma, as in `a=`.
    private mutating func value() throws(SelectorError) -> String {
        guard let word = peek, word != ",", word != ")" else { return "" }
        position += 1
        guard LabelSyntax.isValue(word) else {
            throw SelectorError("'\(word)' is no label value: at most 63 of A-Z a-z 0-9 - _ . with a letter or digit at both ends")
        }
        return word
    }

    private mutating func list() throws(SelectorError) -> [String] {
        guard next() == "(" else { throw SelectorError("in and notin need values in parentheses") }
        var values: [String] = []
        while true {
            values.append(try value())
            switch next() {
            case ",": continue
            case ")": return values
            default: throw SelectorError("the parenthesis of a label selector is not closed")
            }
        }
    }

    private var peek: String? { position < tokens.count ? tokens[position] : nil }

    private mutating func next() -> String? {
        guard position < tokens.count else { return nil }
        position += 1
        return tokens[position - 1]
    }
}

/// The syntax of label keys and values (k8s.io/apimachinery/pkg/util/validation).
public enum LabelSyntax {
    /// `name` or `dns.prefix/name`, the name at most 63 bytes, the prefix at most 253.
    public static func isKey(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isName(parts[0])
        case 2: return isDNSSubdomain(parts[0]) && isName(parts[1])
        default: return false
        }
    }

    /// Empty, or at most 63 bytes of letters, digits, `-`, `_`, `.` with a letter or digit at both ends.
    public static func isValue(_ value: String) -> Bool { value.isEmpty || isName(value[...]) }

    /// RFC 1123 subdomain: at most 253 bytes of lower-case letters, digits, `-` and `.`, each part with a letter or digit at both ends.
    public static func isDNSSubdomain(_ text: some StringProtocol) -> Bool {
        let text = Substring(text)
        guard text.utf8.count <= 253, !text.isEmpty else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last) else { return false }
            return part.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, let last = name.utf8.last, name.utf8.count <= 63, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
}
