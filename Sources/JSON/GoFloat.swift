// A float64 in the notation of Go's encoding/json (floatEncoder in encode.go): what the configuration hash is computed over.
// JSONWriter's `.goSorted` uses it, and the YAML reader for keys that are numbers.
// It never writes anything but finite numbers.

enum GoFloat {
    /// Plain digits, except below 1e-6 and from 1e21 on, where it is `d.ddde-9` or `1e+21`.
    static func text(_ value: Double) -> String {
        precondition(value.isFinite, "only a finite number has a JSON form")
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let (digits, pointPosition) = decimal(value.magnitude)
        let sign = value < 0 ? "-" : ""
        let usesExponent = value.magnitude < 1e-6 || value.magnitude >= 1e21
        return sign + (usesExponent ? exponential(digits, exponent: pointPosition - 1) : positional(digits, pointPosition: pointPosition))
    }

    /// The shortest digits that read back as the value, without zeros at either end, and where the decimal point stands: 0.0123 is ("123", -1).
    private static func decimal(_ magnitude: Double) -> (digits: [UInt8], pointPosition: Int) {
        let text = magnitude.description  // "123.45", "1e-07", "1.5e+22": the same shortest digits that Go finds.
        let parts = text.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        var digits = mantissa.flatMap { Array($0.utf8) }
        var pointPosition = mantissa[0].utf8.count + exponent
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            pointPosition -= 1
        }
        return (digits, pointPosition)
    }

    private static func positional(_ digits: [UInt8], pointPosition: Int) -> String {
        let text = String(decoding: digits, as: UTF8.self)
        if pointPosition <= 0 { return "0." + String(repeating: "0", count: -pointPosition) + text }
        if pointPosition >= digits.count { return text + String(repeating: "0", count: pointPosition - digits.count) }
        return text.prefix(pointPosition) + "." + text.dropFirst(pointPosition)
    }

    private static func exponential(_ digits: [UInt8], exponent: Int) -> String {
        let text = String(decoding: digits, as: UTF8.self)
        let fraction = digits.count > 1 ? "." + text.dropFirst() : ""
        return text.prefix(1) + fraction + "e" + (exponent < 0 ? "-" : "+") + String(exponent.magnitude)
    }
}
