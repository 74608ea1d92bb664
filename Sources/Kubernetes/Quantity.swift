// Kubernetes quantities: `500m`, `128Mi`, `1e3`, exact and comparable, with the canonical text.
// Rendering compares and computes resources with it; the two resources' schemas allow its syntax.
// It never uses floating point.

/// A fixed-point number with the suffix family in which it was written (k8s.io/apimachinery/pkg/api/resource).
///
/// Values finer than 1n are rounded away from zero, values beyond ±(2^63 - 1) are capped there, as the API does.
public struct Quantity: Sendable {
    public enum Format: Sendable { case decimalSI, binarySI, decimalExponent }

    /// The value in units of 10^-9.
    public let nanos: Int128
    public let format: Format

    private static let unit: Int128 = 1_000_000_000
    private static let nanosMax = Int128(Int64.max) * unit

    public init(nanos: Int128, format: Format = .decimalSI) {
        self.nanos = min(max(nanos, -Self.nanosMax), Self.nanosMax)
        self.format = format
    }

    public init(_ whole: Int64, format: Format = .decimalSI) { self.init(nanos: Int128(whole) * Self.unit, format: format) }

    /// Nil when the text is no quantity.
    public init?(_ text: String) {
        var rest = text[...].utf8
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var digits: [UInt8] = []
        var fractionDigits = 0
        var hasPoint = false
        while let byte = rest.first, byte == UInt8(ascii: ".") || (48...57).contains(byte) {
            rest.removeFirst()
            if byte == UInt8(ascii: ".") {
                if hasPoint { return nil }
                hasPoint = true
            } else {
                digits.append(byte - 48)
                if hasPoint { fractionDigits += 1 }
            }
        }
        guard !digits.isEmpty, let suffix = Suffix(Substring(rest)) else { return nil }
        guard let nanos = Self.scaled(digits, powerOfTen: 9 - fractionDigits + suffix.powerOfTen, powerOfTwo: suffix.powerOfTwo) else { return nil }
        self.init(nanos: isNegative ? -nanos : nanos, format: suffix.format)
    }

    /// The whole value, rounded away from zero.
    public var value: Int64 { Int64(clamping: roundedUp(Self.unit)) }

    /// The value in thousandths, rounded away from zero: `0.5` CPU is 500.
    public var milliValue: Int64 { Int64(clamping: roundedUp(Self.unit / 1000)) }

    /// Digits · 10^power · 2^power, rounded up to an integer and capped. Nil when there are more digits than any number needs.
    private static func scaled(_ digits: [UInt8], powerOfTen: Int, powerOfTwo: Int) -> Int128? {
        guard digits.count <= 64 else { return nil }
        var digits = digits[...].drop { $0 == 0 }
        var power = powerOfTen
        var isInexact = false
        // Tails that cannot matter are cut, so that the product below fits: 28 digits (2^93) times 2^30, 19 digits (2^63) times 2^60.
        let digitsMax = powerOfTwo <= 30 ? 28 : 19
        while digits.count > digitsMax || (power < 0 && digits.count > 1 && digits.last == 0) {
            isInexact = isInexact || digits.last != 0
            digits.removeLast()
            power += 1
        }
        var value = digits.reduce(Int128(0)) { $0 * 10 + Int128($1) }
        if value == 0 { return 0 }
        let (doubled, overflow) = value.multipliedReportingOverflow(by: Int128(1) << Int128(powerOfTwo))
        if overflow { return nanosMax }
        value = doubled
        while power > 0 {
            value *= 10
            power -= 1
            if value > nanosMax { return nanosMax }
        }
        while power < 0, value > 0 {
            isInexact = isInexact || value % 10 != 0
            value /= 10
            power += 1
        }
        return value + (isInexact ? 1 : 0)
    }

    private func roundedUp(_ divisor: Int128) -> Int128 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: divisor)
        return remainder == 0 ? quotient : quotient + remainder.signum()
    }
}

extension Quantity: Comparable {
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
}

extension Quantity: Hashable {
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity: CustomStringConvertible {
    /// The canonical text: no fraction, the largest suffix that needs none. Binary quantities below 1024 are written in decimal; larger ones are
    /// rounded up to whole numbers.
    public var description: String {
        if format == .binarySI, nanos.magnitude >= UInt128(1024 * Self.unit) { return binaryText }
        if nanos == 0 { return "0" }
        var mantissa = nanos
        var power = -9
        while power < 18, mantissa % 1000 == 0 {
            mantissa /= 1000
            power += 3
        }
        if format == .decimalExponent { return power == 0 ? "\(mantissa)" : "\(mantissa)e\(power)" }
        return "\(mantissa)\(Suffix.decimal[power / 3 + 3])"
    }

    private var binaryText: String {
        var mantissa = roundedUp(Self.unit)
        var step = 0
        while step < 6, mantissa % 1024 == 0 {
            mantissa /= 1024
            step += 1
        }
        return "\(mantissa)\(Suffix.binary[step])"
    }
}

/// What follows the digits.
private struct Suffix {
    var powerOfTen = 0
    var powerOfTwo = 0
    var format = Quantity.Format.decimalSI

    static let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    static let binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    init?(_ text: Substring) {
        if let step = Self.decimal.firstIndex(of: String(text)) {
            powerOfTen = (step - 3) * 3
        } else if let step = Self.binary.firstIndex(of: String(text)) {
            powerOfTwo = step * 10
            format = .binarySI
        } else {
            guard text.first == "e" || text.first == "E", let power = Int(text.dropFirst()), (-64...64).contains(power) else { return nil }
            powerOfTen = power
            format = .decimalExponent
        }
    }
}
