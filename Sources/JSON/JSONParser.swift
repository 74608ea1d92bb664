// From bytes to a JSONValue, strictly by RFC 8259 and in one pass.
// `JSONValue(parsing:)` is the door; API answers, watch lines and files come through it.
// It never guesses: invalid UTF-8, half surrogates, duplicate keys and trailing bytes are refused with their offset.

extension JSONValue {
    /// Parses one document.
    ///
    /// Integers that fit 64 bits stay exact, `-0` is `0`, larger ones become doubles. A byte-order mark is refused. Keys that Unicode holds
    /// canonically equivalent count as the same key.
    /// - Parameters:
    ///   - dropping: Keys left out where they stand directly inside an object that is the value of a key `metadata`, such as `managedFields`,
    ///     half of a list's bytes. What is left out is checked for grammar, not for UTF-8 or duplicate keys.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .standard, dropping: Set<String> = []) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            var parser = JSONParser(buffer, limits: limits, dropping: dropping)
            return try parser.document()
        }
    }

    /// Parses one document from text.
    public init(parsing text: String, limits: JSONLimits = .standard, dropping: Set<String> = []) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits, dropping: dropping)
    }
}

/// The state of one pass. Members of unfinished arrays and objects wait on shared stacks, so that each finished one is allocated once, at its size.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    var strings = JSONKeyPool()
    var scratch: [UInt8] = []
    let limits: JSONLimits
    private let dropping: Set<String>
    private var keyStack: [String] = []
    private var keyOffsets: [Int] = []
    private var valueStack: [JSONValue] = []

    /// The buffer must outlive the parser; `JSONValue.init(parsing:)` sees to that.
    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits, dropping: Set<String>) {
        self.bytes = bytes
        self.limits = limits
        self.dropping = dropping
    }

    mutating func document() throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.sizeBytesMax else {
            throw JSONError(
                code: .tooLarge, message: "the document has \(bytes.count) bytes, \(limits.sizeBytesMax) are allowed", byteOffset: limits.sizeBytesMax)
        }
        let value = try value(depth: 0, isMetadata: false)
        skipWhitespace()
        guard position == bytes.count else { throw failure("unexpected text after the document") }
        return value
    }

    private mutating func value(depth: Int, isMetadata: Bool) throws(JSONError) -> JSONValue {
        skipWhitespace()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth + 1, isMetadata: isMetadata)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        default: return try number()
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        try enter(depth)
        if take(UInt8(ascii: "]")) { return .array([]) }
        let base = valueStack.count
        while true {
            let element = try value(depth: depth, isMetadata: false)
            valueStack.append(element)
            if try endsList(with: UInt8(ascii: "]")) { return .array(popValues(from: base)) }
        }
    }

    private mutating func object(depth: Int, isMetadata: Bool) throws(JSONError) -> JSONValue {
        try enter(depth)
        if take(UInt8(ascii: "}")) { return .object(JSONObject()) }
        let drops = isMetadata && !dropping.isEmpty
        let keyBase = keyStack.count
        let valueBase = valueStack.count
        var shape = JSONKeyPool.emptyShape
        repeat {
            skipWhitespace()
            let offset = position
            let (key, hash) = try key()
            if drops, dropping.contains(key) {
                try skipValue(depth: depth)
                continue
            }
            shape = JSONKeyPool.shape(shape, adding: hash)
            keyStack.append(key)
            keyOffsets.append(offset)
            let member = try value(depth: depth, isMetadata: key == "metadata")
            valueStack.append(member)
        } while try !endsList(with: UInt8(ascii: "}"))
        let keys = try popKeys(from: keyBase, shape: shape)
        return .object(JSONObject(distinctKeys: keys, values: popValues(from: valueBase)))
    }

    /// Steps over the opening bracket and the space behind it.
    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.depthMax else {
            throw failure("arrays and objects are nested more than \(limits.depthMax) deep", code: .tooDeep)
        }
        position += 1
        skipWhitespace()
    }

    private mutating func popValues(from base: Int) -> [JSONValue] {
        let values = Array(valueStack[base...])
        valueStack.removeSubrange(base...)
        return values
    }

    /// Objects of one kind share one array of keys; only a sequence of keys that was not seen before is checked for duplicates.
    private mutating func popKeys(from base: Int, shape: UInt64) throws(JSONError) -> [String] {
        defer {
            keyStack.removeSubrange(base...)
            keyOffsets.removeSubrange(base...)
        }
        if let known = strings.keys(of: shape, equalTo: keyStack[base...]) { return known }
        let keys = Array(keyStack[base...])
        if let duplicate = Self.firstDuplicate(in: keys) {
            throw JSONError(
                code: .duplicateKey, message: "the key \"\(Self.excerpt(keys[duplicate]))\" appears twice", byteOffset: keyOffsets[base + duplicate])
        }
        strings.remember(keys, shape: shape)
        return keys
    }

    private static func firstDuplicate(in keys: [String]) -> Int? {
        if keys.count <= 16 {
            return keys.indices.first { later in keys[..<later].contains(keys[later]) }
        }
        var seen = Set<String>(minimumCapacity: keys.count)
        return keys.indices.first { !seen.insert(keys[$0]).inserted }
    }

    private static func excerpt(_ key: String) -> String { key.count > 64 ? key.prefix(64) + "…" : key }
}

extension JSONParser {
    /// The byte at the position; 0 at the end, which no rule of the grammar accepts.
    @inline(__always)
    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    @inline(__always)
    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return
            }
        }
    }

    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// After an element: true at the closing bracket, false at a comma.
    mutating func endsList(with closing: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        if take(UInt8(ascii: ",")) { return false }
        if take(closing) { return true }
        throw failure("expected `,` or `\(Character(UnicodeScalar(closing)))`")
    }

    mutating func literal(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        guard position + length <= bytes.count else { throw failure("expected `\(word)`") }
        for offset in 0..<length where bytes[position + offset] != word.utf8Start[offset] { throw failure("expected `\(word)`") }
        position += length
    }

    /// An error at the current position; at the end of the bytes it says so.
    func failure(_ message: String, code: JSONError.Code = .syntax) -> JSONError {
        let ended = code == .syntax && position >= bytes.count
        return JSONError(code: code, message: ended ? "\(message), but the document ends" : message, byteOffset: min(position, bytes.count))
    }
}
