// The version of a collector release, 0.MINOR.PATCH, as tags of images and rows of the registry name it.
// Component and CollectorImage compare with it.
// It never reads versions of other programs.

/// A release of the collector.
public struct ReleaseVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let minor: Int
    public let patch: Int

    public init(minor: Int, patch: Int = 0) {
        self.minor = minor
        self.patch = patch
    }

    /// Reads `0.156.0`; nil for anything else, such as `latest`.
    public init?(tag: String) {
        let parts = tag.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "0", let minor = Self.number(parts[1]), let patch = Self.number(parts[2]) else { return nil }
        self.init(minor: minor, patch: patch)
    }

    /// Reads a row's short form: `156`, `122.1`.
    init?(row: some StringProtocol) {
        let parts = row.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let minor = Self.number(parts[0]), let patch = parts.count == 2 ? Self.number(parts[1]) : 0 else { return nil }
        self.init(minor: minor, patch: patch)
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 6, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text)
    }

    public static func < (left: ReleaseVersion, right: ReleaseVersion) -> Bool { (left.minor, left.patch) < (right.minor, right.patch) }

    public var description: String { "0.\(minor).\(patch)" }
}
