// Where each field lies in the values that every program has: histograms, costs, losses; integers in the machine's byte order.
// Used by ProbeCore to decode and by ProbeKernel, which refuses to load an object whose maps have other sizes. A program's own layouts stand beside it.
// Never changes alone: a test compares every offset with the BTF of the compiled objects.

/// A log2 histogram of durations.
///
/// Slot `s` holds durations in `(2^s, 2^(s+1)]` units, slot 0 also everything below and the last slot also everything above.
/// The kernel adds to `count`, `sumNanoseconds` and the slot one after the other: a value that is read meanwhile may be one event apart between them.
public enum HistogramLayout {
    public static let countOffset = 0
    public static let sumNanosecondsOffset = 8
    public static let slotsOffset = 16
    public static let slotCount = 40
    public static let byteCount = slotsOffset + 8 * slotCount
}

/// `error` of a failure for which the kernel gives no errno where the program stands.
public let unknownKernelError = UInt32.max

/// The value of `costs`, one entry for each hook of the program.
public enum ProgramCost {
    public static let runsOffset = 0
    public static let sampledRunsOffset = 8
    public static let sampledNanosecondsOffset = 16
    public static let byteCount = 24
}

/// The only entry of `control`: what user space changes while programs run.
public enum Control {
    public static let filteringOffset = 0
    public static let execEventsOffset = 8
    public static let roundTripBoundOffset = 16
    public static let portsBelowOffset = 24
    public static let addressesOffset = 32
    public static let sinceNanosecondsOffset = 40
    public static let byteCount = 48
}

/// The value of `losses`, one entry for each hook of the program.
public enum ProgramLosses {
    public static let byteCount = 8 * Reason.allCases.count

    /// Why an event was not recorded, in the order of the C struct's fields.
    public enum Reason: String, Sendable, CaseIterable {
        /// No room for a new group.
        case mapFull = "map_full"
        /// No task or socket storage: out of memory, or the socket's option memory is used up.
        case storageFull = "storage_full"
        /// The event's start was not seen.
        case unmeasured
        /// A system call that a signal cut short before it did anything: the kernel restarts it, or fails it with EINTR behind the tracepoint.
        case interrupted
        /// No room in the ring buffer.
        case ringFull = "ring_full"
        /// A message whose bytes are not where the call's registers say.
        case unreadable

        public var offset: Int { (Self.allCases.firstIndex(of: self) ?? 0) * 8 }
    }
}
