// Shared storage for the keys of one document: a list of ten thousand pods has a few hundred different keys.
// JSONParser asks it for each key and for each finished object.
// It never grows beyond its two limits; what does not fit is simply not shared.

/// Keys and sequences of keys that a document repeats. A full table forgets: sharing saves memory, nothing depends on it.
struct JSONKeyPool {
    private static let slotCount = 4096
    private static let shapeCountMax = 4096
    /// Swift keeps strings up to this length inside the value itself; sharing them would save nothing.
    private static let inlineBytesMax = 15

    private var slots: [(hash: UInt64, key: String)?] = []
    private var shapes: [UInt64: [String]] = [:]

    /// The key with these bytes, of which `allBits` is the union; nil when they are not UTF-8.
    mutating func key(_ bytes: UnsafeBufferPointer<UInt8>, allBits: UInt8, hash: UInt64) -> String? {
        if bytes.count <= Self.inlineBytesMax { return String(utf8: bytes, allBits: allBits) }
        if slots.isEmpty { slots = Array(repeating: nil, count: Self.slotCount) }
        let slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & (Self.slotCount - 1)
        if let entry = slots[slot], entry.hash == hash, entry.key.utf8.count == bytes.count, entry.key.hasUTF8(bytes) { return entry.key }
        guard let key = String(utf8: bytes, allBits: allBits) else { return nil }
        slots[slot] = (hash, key)
        return key
    }

    /// The shared array of exactly these keys, if an object had it before.
    func keys(of shape: UInt64, equalTo keys: ArraySlice<String>) -> [String]? {
        guard let known = shapes[shape], known.elementsEqual(keys) else { return nil }
        return known
    }

    mutating func remember(_ keys: [String], shape: UInt64) {
        guard shapes.count < Self.shapeCountMax else { return }
        shapes[shape] = keys
    }

    // FNV-1a, 64 bits; equality is always checked, so that its quality decides speed alone.
    static let emptyHash: UInt64 = 0xCBF2_9CE4_8422_2325
    @inline(__always)
    static func hash(_ hash: UInt64, adding byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

    static let emptyShape: UInt64 = 0x9E37_79B9_7F4A_7C15
    @inline(__always)
    static func shape(_ shape: UInt64, adding key: UInt64) -> UInt64 { (shape ^ key) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
}

extension String {
    /// Whether the text's bytes are these; the lengths are already known to be equal.
    fileprivate func hasUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        utf8.withContiguousStorageIfAvailable { storage in zip(storage, bytes).allSatisfy { $0 == $1 } } ?? utf8.elementsEqual(bytes)
    }
}
