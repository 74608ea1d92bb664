// Where each field lies in the keys and values of the programs' maps: bpf/layout.h in Swift, integers in the machine's byte order.
// Used by ProbeCore to decode and by ProbeKernel, which refuses to load an object whose maps have other sizes.
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

public enum SchedKey {
    public static let cgroupOffset = 0
    public static let byteCount = 8
}

/// The latency of a group's tasks, then how often they left a CPU.
public enum SchedValue {
    /// A histogram (`HistogramLayout`).
    public static let latencyOffset = 0
    public static let voluntaryOffset = HistogramLayout.byteCount
    public static let involuntaryOffset = HistogramLayout.byteCount + 8
    public static let byteCount = HistogramLayout.byteCount + 16
}

/// The value is a histogram: of a client from SYN to established or failed, of a server from SYN-ACK to established.
public enum ConnectKey {
    public static let cgroupOffset = 0
    public static let roleOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16

    public enum Role: UInt32, Sendable, CaseIterable {
        case client = 0
        case server = 1
    }
}

/// `error` of a failure for which the kernel gives no errno where the program stands.
public let unknownKernelError = UInt32.max

public enum RetransmitKey {
    public static let cgroupOffset = 0
    public static let kindOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16

    public enum Kind: UInt32, Sendable, CaseIterable {
        case rto = 0
        case fast = 1
        case tlp = 2
        case synack = 3
    }
}

public enum RetransmitValue {
    public static let segmentsOffset = 0
    public static let byteCount = 8
}

/// The value is a histogram.
public enum SyscallKey {
    public static let cgroupOffset = 0
    public static let numberOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16
}

/// The value of `syscall_filter`'s only entry: a bit for each wanted call.
public enum SyscallFilter {
    public static let syscallCount = 512
    public static let byteCount = syscallCount / 8
}

/// The value of `costs`, one entry for each hook of the program.
public enum ProgramCost {
    public static let runsOffset = 0
    public static let sampledRunsOffset = 8
    public static let sampledNanosecondsOffset = 16
    public static let byteCount = 24
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

        public var offset: Int { (Self.allCases.firstIndex(of: self) ?? 0) * 8 }
    }
}
