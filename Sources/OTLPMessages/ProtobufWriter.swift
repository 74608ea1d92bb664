// An append-only writer of the protobuf wire format (protobuf.dev, "Encoding").
// The messages of this target write themselves with it.
// It never reorders fields and never writes a default value unless it is told that presence matters.

/// Appends fields to one buffer; a nested message is written in place and its length put before it afterwards.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// The low three bits of a field's key.
    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
    }

    init(reservingBytes: Int = 0) { bytes.reserveCapacity(reservingBytes) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func key(_ field: Int, _ type: WireType) { varint(UInt64(field) << 3 | type.rawValue) }

    private mutating func littleEndian(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

    /// `uint64`, `int64`, `bool` or an enum; also written when zero.
    mutating func integer(_ field: Int, _ value: UInt64) {
        key(field, .varint)
        varint(value)
    }

    /// `sint32` and `sint64`: small magnitudes of either sign are short.
    mutating func zigzag(_ field: Int, _ value: Int64) { integer(field, UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func fixed64(_ field: Int, _ value: UInt64) {
        key(field, .fixed64)
        littleEndian(value)
    }

    mutating func double(_ field: Int, _ value: Double) { fixed64(field, value.bitPattern) }

    mutating func string(_ field: Int, _ value: String) {
        key(field, .lengthDelimited)
        varint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// A string that proto3 leaves out when it is empty.
    mutating func nonEmptyString(_ field: Int, _ value: String) {
        if !value.isEmpty { string(field, value) }
    }

    mutating func packedFixed64(_ field: Int, _ values: some Collection<UInt64>) {
        if values.isEmpty { return }
        key(field, .lengthDelimited)
        varint(UInt64(values.count * 8))
        for value in values { littleEndian(value) }
    }

    mutating func packedVarints(_ field: Int, _ values: some Collection<UInt64>) {
        if values.isEmpty { return }
        message(field) { writer in for value in values { writer.varint(value) } }
    }

    /// A nested message. One byte is kept for its length; a body of 128 bytes and more is moved once to make room.
    mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        key(field, .lengthDelimited)
        let lengthAt = bytes.count
        bytes.append(0)
        body(&self)
        let length = bytes.count - lengthAt - 1
        if length < 0x80 {
            bytes[lengthAt] = UInt8(length)
        } else {
            var prefix = ProtobufWriter()
            prefix.varint(UInt64(length))
            bytes.replaceSubrange(lengthAt...lengthAt, with: prefix.bytes)
        }
    }
}
