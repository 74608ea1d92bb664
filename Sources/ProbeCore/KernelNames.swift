// Names that only the running kernel knows, for numbers that stand in series.
// The agent reads them; kinds turn numbers into attributes with them.
// It never holds a name that a user chose.

/// A number without a name is written as it is.
public struct KernelNames: Sendable, Equatable {
    /// Block devices by `major << 20 | minor`: `nvme0n1`.
    public var devices: [UInt32: String] = [:]
    /// Reasons for dropping packets; a multiple of 65536 names a subsystem.
    public var dropReasons: [UInt32: String] = [:]

    public init() {}

    /// Reads `/proc/partitions` (proc(5)): a heading, then major, minor, blocks and name in each line.
    public static func devices(inPartitions text: String) -> [UInt32: String] {
        text.split(separator: "\n").reduce(into: [:]) { devices, line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count == 4, let major = UInt32(fields[0]), let minor = UInt32(fields[1]), major < 1 << 12, minor < 1 << 20 else { return }
            devices[major << 20 | minor] = String(fields[3])
        }
    }
}
