// Why a text is no JSON document, and the bounds that a document must keep.
// Whoever parses bytes from a network, a file or a kernel reports or classifies with it.
// It never carries the text itself: an error must be safe to log.

/// A refused document: a stable code, what was wrong, and where.
public struct JSONError: Error, Hashable, Sendable {
    public enum Code: String, Sendable {
        /// Not the grammar of RFC 8259, anything after the document included.
        case syntax
        /// A string that is not UTF-8, or an escaped surrogate without its other half.
        case invalidText
        /// One object names a key twice; keeping either value would lose the other without a word.
        case duplicateKey
        /// A number beyond the range of a `Double`.
        case numberOutOfRange
        /// Deeper nesting than `JSONLimits.depthMax`.
        case tooDeep
        /// More bytes than `JSONLimits.sizeBytesMax`.
        case tooLarge
    }

    public let code: Code
    public let message: String
    /// Position of the first byte that could not be accepted, from 0.
    public let byteOffset: Int

    public init(code: Code, message: String, byteOffset: Int) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String { "\(message) at byte \(byteOffset)" }
}

/// What a document may cost at most.
public struct JSONLimits: Hashable, Sendable {
    /// Arrays and objects inside each other; parsing uses the stack for each level.
    public var depthMax: Int
    public var sizeBytesMax: Int

    public init(depthMax: Int, sizeBytesMax: Int) {
        self.depthMax = depthMax
        self.sizeBytesMax = sizeBytesMax
    }

    /// 512 levels and 128 MiB: three times the list of 10,000 pods in one piece.
    public static let standard = JSONLimits(depthMax: 512, sizeBytesMax: 128 << 20)
}
