// Words of conditions and statements in OTTL, the language of the filter and transform processors: enough to see which paths they name.
// FilterTraps tells the two styles of conditions apart with it; other rules look for functions and their first text.
// It never parses an expression: what it does not understand it passes over.

import JSON

enum TransformationLanguage {
    /// The first name of each path in an expression: `resource` for `resource.attributes["a"]`, `name` for `name == "b"`.
    ///
    /// Texts, functions, named arguments, enums and keywords are no paths.
    static func roots(_ expression: String) -> [String] {
        words(expression).filter { word in
            !word.isMember && !word.isFunction && !word.isArgument && !keywords.contains(word.text) && word.text != word.text.uppercased()
        }.map(\.text)
    }

    private static let keywords: Set<String> = ["and", "or", "not", "nil", "true", "false"]

    private struct Word {
        let text: String
        /// After a dot.
        let isMember: Bool
        /// Before a parenthesis.
        let isFunction: Bool
        /// Before a single `=`.
        let isArgument: Bool
    }

    private static func words(_ expression: String) -> [Word] {
        let bytes = Array(expression.utf8)
        var words: [Word] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\"") {
                index = endOfText(bytes, index)
            } else if isWordByte(bytes[index]) {
                let start = index
                while index < bytes.count, isWordByte(bytes[index]) { index += 1 }
                if isDigit(bytes[start]) { continue }
                let next = bytes[index...].first { $0 != UInt8(ascii: " ") }
                let after = bytes[index...].drop { $0 == UInt8(ascii: " ") }.dropFirst().first
                words.append(
                    Word(
                        text: String(decoding: bytes[start..<index], as: UTF8.self), isMember: start > 0 && bytes[start - 1] == UInt8(ascii: "."),
                        isFunction: next == UInt8(ascii: "("), isArgument: next == UInt8(ascii: "=") && after != UInt8(ascii: "=")))
            } else {
                index += 1
            }
        }
        return words
    }

    /// The index after a text's closing quote.
    private static func endOfText(_ bytes: [UInt8], _ start: Int) -> Int {
        var index = start + 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(index + 1, bytes.count)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// The key in `function(attributes["key"]` or `function(datapoint.attributes, "key"`: the first text after the function's name, when an attribute
    /// of a data point is meant. Nil for other statements.
    static func attribute(of function: String, in statement: String) -> String? {
        guard let call = statement.firstRange(of: function + "(") else { return nil }
        let rest = statement[call.upperBound...].drop { $0 == " " }
        guard rest.hasPrefix("attributes") || rest.hasPrefix("datapoint.attributes") else { return nil }
        guard let open = rest.firstIndex(of: "\"") else { return nil }
        let text = rest[rest.index(after: open)...]
        guard let close = text.firstIndex(of: "\"") else { return nil }
        return String(text[..<close])
    }
}
