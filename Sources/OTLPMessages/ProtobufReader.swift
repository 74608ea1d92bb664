// A reader of the protobuf wire format for the few answers that a receiver sends.
// ExportResponse reads itself with it.
// It never trusts a length: every read is checked against what is left, and an error ends the reading.

/// Walks over the fields of one message.
struct ProtobufReader {
    /// A field's value by its wire type; fixed-width numbers are skipped over, since no answer that we read has one.
    enum Value {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
        case fixed
    }

    /// The bytes are no protobuf message.
    struct Malformed: Error {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next field, or nil at the end.
    mutating func next() throws(Malformed) -> (field: Int, value: Value)? {
        if rest.isEmpty { return nil }
        let key = try varint()
        guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw Malformed() }
        let field = Int(key >> 3)
        switch key & 7 {
        case 0: return (field, .varint(try varint()))
        case 1: return (field, try fixed(bytes: 8))
        case 2: return (field, .bytes(try take(try varint())))
        case 5: return (field, try fixed(bytes: 4))
        default: throw Malformed()
        }
    }

    private mutating func fixed(bytes: UInt64) throws(Malformed) -> Value {
        _ = try take(bytes)
        return .fixed
    }

    private mutating func take(_ count: UInt64) throws(Malformed) -> ArraySlice<UInt8> {
        guard count <= UInt64(rest.count) else { throw Malformed() }
        let taken = rest.prefix(Int(count))
        rest = rest.dropFirst(Int(count))
        return taken
    }

    /// At most ten bytes, as 64 bits need.
    private mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard let byte = rest.popFirst() else { throw Malformed() }
            value |= UInt64(byte & 0x7f) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }
}
