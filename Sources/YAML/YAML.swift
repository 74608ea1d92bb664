// YAML as Kubernetes understands it: documents in, JSONValue out, and back as stable text.
// kubeconfig, manifests, collector configurations and agent files pass through it.
// It never keeps anything that JSON could not say: tags, anchors and comments are resolved or refused.

import JSON

/// The two directions, and the order of keys in what is written.
public enum YAML {
    public enum KeyOrder: Hashable, Sendable {
        /// As the value has them.
        case asGiven
        /// By bytes, at every level.
        case sorted
    }

    /// Limits of one stream: bytes as given, nodes after aliases are expanded, and nesting.
    static let sizeBytesMax = 32 << 20
    static let nodesMax = 1_000_000
    static let depthMax = 512

    /// All documents of a stream; those with nothing or only comments in them are left out.
    ///
    /// Plain scalars are resolved as sigs.k8s.io/yaml does (YAML 1.1: `yes` is true, `0644` is octal, `1_000` is 1000), dates stay text, keys become strings.
    /// - Throws: A syntax error, a duplicate key, an unknown tag or anchor, `.inf` and `.nan`, which JSON cannot say, or a limit, with its line and column.
    public static func parse(_ bytes: [UInt8]) throws(YAMLError) -> [JSONValue] {
        guard bytes.count <= sizeBytesMax else {
            throw YAMLError(message: "the stream has \(bytes.count) bytes, \(sizeBytesMax) are allowed", line: 1, column: 1)
        }
        var loader = YAMLLoader(events: try YAMLEventReader(bytes))
        return try loader.documents()
    }

    /// All documents of a text; see the other `parse`.
    public static func parse(_ text: String) throws(YAMLError) -> [JSONValue] { try parse(Array(text.utf8)) }

    /// One document as block-style text that reads back as the same value, here and in readers of YAML 1.2: whatever another reader could take for
    /// something else is quoted. Lists are indented below their key, strings of several lines are literal blocks.
    public static func text(_ value: JSONValue, keys order: KeyOrder = .asGiven) -> String {
        var writer = YAMLWriter(order: order)
        writer.document(value)
        return writer.out
    }

    /// Several documents, with `---` between them.
    public static func documents(_ values: [JSONValue]) -> String {
        values.map { text($0) }.joined(separator: "---\n")
    }
}

/// A refused stream: what was wrong, and where, counted from 1.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public let line: Int
    public let column: Int

    public init(message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    public var description: String { "line \(line), column \(column): \(message)" }
}
