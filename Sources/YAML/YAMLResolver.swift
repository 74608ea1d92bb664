// What a plain scalar means: null, a boolean, a number or text, by the rules of sigs.k8s.io/yaml (go-yaml v2's resolve.go, YAML 1.1).
// The loader reads with it; the writer asks it what must be quoted.
// It never fails: what is nothing else is text.

import JSON

enum YAMLResolver {
    /// The value of a plain scalar. Infinity and NaN come out as doubles; the loader refuses them.
    static func plain(_ text: String) -> JSONValue {
        if let word = word(text) { return word }
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "."): return pointFirst(text) ?? .string(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"): return number(text) ?? .string(text)
        default: return .string(text)
        }
    }

    private static func word(_ text: String) -> JSONValue? {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE": true
        case "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE": false
        case ".nan", ".NaN", ".NAN": .double(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": .double(-.infinity)
        default: nil
        }
    }

    /// `.5`: here go-yaml does not remove underscores.
    private static func pointFirst(_ text: String) -> JSONValue? { isFloat(text.utf8) ? finite(text) : nil }

    /// Digits or a sign first: an integer in Go's base-0 notation, else a decimal number.
    private static func number(_ text: String) -> JSONValue? {
        let digits = text.utf8.contains(UInt8(ascii: "_")) ? text.filter { $0 != "_" } : text
        if let integer = integer(digits) { return integer }
        return isFloat(digits.utf8) ? finite(digits) : nil
    }

    private static func integer(_ text: String) -> JSONValue? {
        var digits = text[...]
        let sign = digits.first == "-" || digits.first == "+" ? digits.removeFirst() : nil
        var radix = 10
        if digits.utf8.first == UInt8(ascii: "0"), digits.utf8.count > 1 {
            (radix, digits) = prefixed(digits)
        }
        // The standard library would take a second sign.
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-"), let magnitude = UInt64(digits, radix: radix) else {
            return nil
        }
        switch sign {
        case nil: return JSONValue(magnitude)
        case "-": return magnitude <= Int64.min.magnitude ? .int(Int64(truncatingIfNeeded: 0 &- magnitude)) : nil
        default: return Int64(exactly: magnitude).map(JSONValue.int)
        }
    }

    private static func prefixed(_ digits: Substring) -> (radix: Int, digits: Substring) {
        switch digits.dropFirst().first {
        case "x", "X": (16, digits.dropFirst(2))
        case "b", "B": (2, digits.dropFirst(2))
        case "o", "O": (8, digits.dropFirst(2))
        default: (8, digits.dropFirst())
        }
    }

    /// go-yaml's yamlStyleFloat: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ text: String.UTF8View) -> Bool {
        var rest = text[...]
        func takeDigits() -> Int {
            let count = rest.prefix { $0 &- UInt8(ascii: "0") < 10 }.count
            rest = rest.dropFirst(count)
            return count
        }
        func take(_ characters: StaticString) -> Bool {
            let found = characters.withUTF8Buffer { $0.contains(rest.first ?? 0) }
            if found { rest = rest.dropFirst() }
            return found
        }
        _ = take("+-")
        let whole = takeDigits()
        let fraction = take(".") ? takeDigits() : 0
        guard whole + fraction > 0 else { return false }
        if take("eE") {
            _ = take("+-")
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// A number beyond the range of a double is text, as in Go, where ParseFloat fails.
    private static func finite(_ text: String) -> JSONValue? {
        guard let value = Double(text.last == "." ? text + "0" : text.replacingPointBeforeExponent), value.isFinite else { return nil }
        return .double(value)
    }
}

extension String {
    /// `1.e3` is a YAML float, but not one of `Double.init`.
    fileprivate var replacingPointBeforeExponent: String {
        guard let point = firstIndex(of: "."), let next = index(point, offsetBy: 1, limitedBy: endIndex), next < endIndex, "eE".contains(self[next]) else {
            return self
        }
        return String(self[..<point]) + String(self[next...])
    }
}
