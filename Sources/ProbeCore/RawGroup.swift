// One entry of a per-CPU map as the kernel gave it.
// Made by ProbeKernel, decoded here: the seam between the part that talks to the kernel and the part that is pure.
// Never interpreted where it is made; sizes were checked against ProbePrograms' layouts when the object was loaded.

/// A group's key and its value on each possible CPU.
public struct RawGroup: Sendable, Hashable {
    public var key: [UInt8]
    /// One value for each possible CPU, each exactly as long as the layout says.
    public var values: [[UInt8]]

    public init(key: [UInt8], values: [[UInt8]]) {
        self.key = key
        self.values = values
    }
}
