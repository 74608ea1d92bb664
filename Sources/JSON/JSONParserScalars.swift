// The parser's leaves: strings, numbers, and values that are stepped over.
// JSONParser calls them with the position on their first byte.
// They never allocate for a value that is stepped over.

extension JSONParser {
    /// A key and the colon behind it. The hash serves the pool of shared keys.
    mutating func key() throws(JSONError) -> (String, hash: UInt64) {
        guard take(UInt8(ascii: "\"")) else { throw failure("expected a key in double quotes") }
        let start = position
        var hash = JSONKeyPool.emptyHash
        var allBits: UInt8 = 0
        while position < bytes.count, Self.isPlain(bytes[position]) {
            hash = JSONKeyPool.hash(hash, adding: bytes[position])
            allBits |= bytes[position]
            position += 1
        }
        let key: String
        if current == UInt8(ascii: "\"") {
            guard let shared = strings.key(UnsafeBufferPointer(rebasing: bytes[start..<position]), allBits: allBits, hash: hash) else {
                throw invalidText(from: start)
            }
            key = shared
            position += 1
        } else {
            key = try escapedString(from: start)
            hash = key.utf8.reduce(JSONKeyPool.emptyHash, JSONKeyPool.hash(_:adding:))
        }
        skipWhitespace()
        guard take(UInt8(ascii: ":")) else { throw failure("expected `:` after a key") }
        return (key, hash)
    }

    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        var allBits: UInt8 = 0
        while position < bytes.count, Self.isPlain(bytes[position]) {
            allBits |= bytes[position]
            position += 1
        }
        guard current == UInt8(ascii: "\"") else { return try escapedString(from: start) }
        let text = String(utf8: UnsafeBufferPointer(rebasing: bytes[start..<position]), allBits: allBits)
        guard let text else { throw invalidText(from: start) }
        position += 1
        return text
    }

    /// The rest of a string in which an escape was met; `start` is behind its opening quote.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                guard let text = String(validating: scratch, as: UTF8.self) else { throw invalidText(from: start) }
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") {
                try escape()
            } else if byte < 0x20 {
                throw failure("a control character inside a string must be escaped")
            } else {
                scratch.append(byte)
                position += 1
            }
        }
        throw failure("expected the closing quote of a string")
    }

    private mutating func escape() throws(JSONError) {
        position += 1
        let letter = current
        guard let plain = Self.escaped(letter) else {
            guard letter == UInt8(ascii: "u") else { throw failure("an unknown escape in a string") }
            position += 1
            return try unicodeEscape()
        }
        scratch.append(plain)
        position += 1
    }

    private static func escaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// `\uXXXX`, and its second half when the first is a high surrogate. A half without its other half names no character: refused,
    /// because replacing it would change a user's text silently.
    private mutating func unicodeEscape() throws(JSONError) {
        let start = position - 2
        var code = try fourHexDigits()
        if code & 0xFC00 == 0xD800, current == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") {
            position += 2
            let low = try fourHexDigits()
            if low & 0xFC00 == 0xDC00 { code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF }
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw JSONError(code: .invalidText, message: "an escaped surrogate without its other half", byteOffset: start)
        }
        scratch.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch current {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(current - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(current - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(current - UInt8(ascii: "A") + 10)
            default: throw failure("expected four hexadecimal digits after `\\u`")
            }
            position += 1
        }
        return value
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") }

    /// Finds the first byte from `start` on that is not UTF-8; the caller knows that there is one.
    private func invalidText(from start: Int) -> JSONError {
        var decoder = Unicode.UTF8.ForwardParser()
        var iterator = bytes[start...].makeIterator()
        var offset = start
        while case .valid(let unit) = decoder.parseScalar(from: &iterator) { offset += unit.count }
        return JSONError(code: .invalidText, message: "a string that is not valid UTF-8", byteOffset: offset)
    }
}

extension String {
    /// Text from UTF-8 bytes; nil when they are not UTF-8. `allBits` is the union of the bytes: plain ASCII, nearly everything in a cluster, skips
    /// the validation, which took half of the time of a parse.
    @inline(__always)
    init?(utf8 bytes: UnsafeBufferPointer<UInt8>, allBits: UInt8) {
        if allBits < 0x80 {
            self.init(decoding: bytes, as: UTF8.self)
        } else {
            self.init(validating: bytes, as: UTF8.self)
        }
    }
}

extension JSONParser {
    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = take(UInt8(ascii: "-"))
        let (magnitude, fits) = try integerDigits()
        let isInteger = try !fractionAndExponent()
        if isInteger, fits {
            if !isNegative { return JSONValue(magnitude) }
            if magnitude <= Int64.min.magnitude { return .int(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let double = Double(text), double.isFinite else {
            throw JSONError(code: .numberOutOfRange, message: "a number beyond the range of a 64-bit float", byteOffset: start)
        }
        return .double(double)
    }

    /// `0`, or digits that do not begin with 0; their value when it fits.
    private mutating func integerDigits() throws(JSONError) -> (magnitude: UInt64, fits: Bool) {
        guard Self.isDigit(current) else { throw failure("expected a value") }
        if take(UInt8(ascii: "0")) {
            guard !Self.isDigit(current) else { throw failure("a number must not begin with 0") }
            return (0, true)
        }
        var magnitude: UInt64 = 0
        var overflowed = false
        while Self.isDigit(current) {
            let (product, multiplied) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, added) = product.addingReportingOverflow(UInt64(current - UInt8(ascii: "0")))
            overflowed = overflowed || multiplied || added
            magnitude = sum
            position += 1
        }
        return (magnitude, !overflowed)
    }

    /// True when there was either.
    private mutating func fractionAndExponent() throws(JSONError) -> Bool {
        var found = false
        if take(UInt8(ascii: ".")) {
            try digits(after: "the decimal point")
            found = true
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits(after: "the exponent")
            found = true
        }
        return found
    }

    private mutating func digits(after place: StaticString) throws(JSONError) {
        guard Self.isDigit(current) else { throw failure("expected a digit after \(place)") }
        while Self.isDigit(current) { position += 1 }
    }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}

extension JSONParser {
    /// Steps over one value, checking brackets, commas, literals and numbers.
    mutating func skipValue(depth: Int) throws(JSONError) {
        skipWhitespace()
        switch current {
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "{"): try skipList(depth: depth + 1, closing: UInt8(ascii: "}"), hasKeys: true)
        case UInt8(ascii: "["): try skipList(depth: depth + 1, closing: UInt8(ascii: "]"), hasKeys: false)
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    private mutating func skipList(depth: Int, closing: UInt8, hasKeys: Bool) throws(JSONError) {
        guard depth <= limits.depthMax else { throw failure("arrays and objects are nested more than \(limits.depthMax) deep", code: .tooDeep) }
        position += 1
        skipWhitespace()
        if take(closing) { return }
        repeat {
            if hasKeys {
                skipWhitespace()
                guard current == UInt8(ascii: "\"") else { throw failure("expected a key in double quotes") }
                try skipString()
                skipWhitespace()
                guard take(UInt8(ascii: ":")) else { throw failure("expected `:` after a key") }
            }
            try skipValue(depth: depth)
        } while try !endsList(with: closing)
    }

    private mutating func skipString() throws(JSONError) {
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): position += 2
            case ..<0x20: throw failure("a control character inside a string must be escaped")
            default: position += 1
            }
        }
        throw failure("expected the closing quote of a string")
    }
}
