// From a JSONValue to block-style YAML text.
// YAML.text and YAML.documents use it; ConfigMaps and everything printed for people come out of it.
// It never writes flow collections (empty ones aside), anchors or tags.

import JSON

struct YAMLWriter {
    private(set) var out = ""
    private let order: YAML.KeyOrder
    private static let step = 2
    /// YAML takes a key without `?` only on one line and below 1024 characters.
    private static let simpleKeyBytesMax = 1000

    init(order: YAML.KeyOrder) { self.order = order }

    mutating func document(_ value: JSONValue) {
        if Self.isBlock(value) { collection(value, indent: 0) } else { scalar(value, indent: 0) }
    }

    /// A collection whose lines begin at a column; the first line's indentation is already written.
    private mutating func collection(_ value: JSONValue, indent: Int) {
        switch value {
        case .array(let elements): list(elements, indent: indent)
        case .object(let members): mapping(members, indent: indent)
        default: scalar(value, indent: indent)
        }
    }

    private mutating func list(_ elements: [JSONValue], indent: Int) {
        for (index, element) in elements.enumerated() {
            if index > 0 { spaces(indent) }
            out += "- "
            if Self.isBlock(element) { collection(element, indent: indent + Self.step) } else { scalar(element, indent: indent) }
        }
    }

    private mutating func mapping(_ members: JSONObject, indent: Int) {
        var places = Array(members.keys.indices)
        if order == .sorted { places.sort { members.keys[$0].utf8.lexicographicallyPrecedes(members.keys[$1].utf8) } }
        for (index, place) in places.enumerated() {
            if index > 0 { spaces(indent) }
            key(members.keys[place], indent: indent)
            let value = members.values[place]
            if Self.isBlock(value) {
                out += "\n"
                spaces(indent + Self.step)
                collection(value, indent: indent + Self.step)
            } else {
                out += " "
                scalar(value, indent: indent)
            }
        }
    }

    private mutating func key(_ text: String, indent: Int) {
        let written = YAMLScalarText.line(text)
        if written.utf8.count <= Self.simpleKeyBytesMax {
            out += written + ":"
        } else {
            out += "? " + written + "\n"
            spaces(indent)
            out += ":"
        }
    }

    /// A value that begins on the current line, with its line end; the lines of a literal block stand one step further in than `indent`.
    private mutating func scalar(_ value: JSONValue, indent: Int) {
        switch value {
        case .null: out += "null\n"
        case .bool(let value): out += value ? "true\n" : "false\n"
        case .int(let value): out += "\(value)\n"
        case .uint(let value): out += "\(value)\n"
        case .double(let value): out += YAMLScalarText.double(value) + "\n"
        case .string(let text): string(text, indent: indent)
        case .array: out += "[]\n"
        case .object: out += "{}\n"
        }
    }

    private mutating func string(_ text: String, indent: Int) {
        guard YAMLScalarText.fitsLiteralBlock(text) else {
            out += YAMLScalarText.line(text) + "\n"
            return
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let endsInLineEnd = text.utf8.last == UInt8(ascii: "\n")
        out += !endsInLineEnd ? "|-\n" : text.hasSuffix("\n\n") ? "|+\n" : "|\n"
        for line in endsInLineEnd ? lines.dropLast() : lines[...] {
            if !line.isEmpty { spaces(indent + Self.step) }
            out += line
            out += "\n"
        }
    }

    private mutating func spaces(_ count: Int) { out += String(repeating: " ", count: count) }

    /// True for what takes lines of its own.
    private static func isBlock(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        default: false
        }
    }
}
