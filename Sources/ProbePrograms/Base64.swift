// Decodes the base64 of the embedded objects.
// Used by ProbeProgram.object only; the text comes from the build, so a wrong character is a broken build.
// Never allocates more than the result.

/// The bytes of a base64 text that the build made (RFC 4648, padded, no line breaks).
func base64Bytes(_ text: StaticString) -> [UInt8] {
    let characters = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    precondition(characters.count % 4 == 0, "the embedded object is not base64")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 4 * 3)
    var bits: UInt32 = 0
    var bitCount = 0
    for character in characters where character != UInt8(ascii: "=") {
        bits = bits << 6 | sextet(character)
        bitCount += 6
        if bitCount >= 8 {
            bitCount -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        }
    }
    return bytes
}

private func sextet(_ character: UInt8) -> UInt32 {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: preconditionFailure("the embedded object is not base64")
    }
}
