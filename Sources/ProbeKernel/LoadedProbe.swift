// A program that runs in the kernel: its groups, its costs and losses, its filter.
// Held by the agent and `sonde top` for as long as they want its signals; closing it detaches every hook.
// Never resets a value: counts grow from the load on, and what is deleted starts again from zero.
import CBPF
import Glibc
import ProbeCore
import ProbePrograms
import Synchronization

/// Attached kernel programs and their maps. All functions may be called from any thread and block for as long as bpf(2) does.
///
/// `@unchecked Sendable`: `object`, `rings` and the mutable properties are only touched, and descriptors are only used, under `lock`.
public final class LoadedProbe: @unchecked Sendable {
    public let program: ProbeProgram
    private let lock = Mutex<Void>(())
    private var object: BPFObject?
    private let maps: [String: BPFMap]
    private let rings: [String: RingReader]
    /// What is in `ignored_cgroups`.
    private var ignored: Set<UInt64> = []
    private var isPaused = false
    /// Number of the newest walk over all tasks.
    private var walk: UInt64 = 0
    private var roundTripSampling: Int
    private var recordsExec: Bool
    private var portsBelow: Int
    private var tellsAddresses: Bool
    /// CLOCK_MONOTONIC at the last `resume`.
    private var resumedNanoseconds: UInt64 = 0
    /// Descriptors of the attached programs by function.
    private let programs: [String: Int32]

    init(program: ProbeProgram, object: BPFObject, programs: [String: Int32], settings: ProbeSettings) {
        roundTripSampling = settings.roundTripSampling
        recordsExec = settings.recordsExec
        portsBelow = settings.portsBelow
        tellsAddresses = settings.tellsAddresses
        self.program = program
        self.object = object
        self.programs = programs
        let names =
            program.groupMaps.map(\.name)
            + [
                "costs", "losses", "syscall_filter", "dns_ports", "ignored_cgroups", "control", "walk_number", "open_sockets", "compared_segments",
                "namespaces",
            ]
        maps = names.reduce(into: [:]) { $0[$1] = object.map($1) }
        rings = program.rings.reduce(into: [:]) { rings, ring in rings[ring.name] = object.map(ring.name).flatMap { RingReader(descriptor: $0.descriptor) } }
    }

    /// Every group of a map with its value on each possible CPU.
    public func groups(of map: String) throws(ProbeKernelError) -> [RawGroup] {
        try withMap(map) { map throws(ProbeKernelError) in try map.groups() }
    }

    /// Takes groups out of a map, so that those of cgroups that are gone leave room; gives how many were there.
    ///
    /// Whoever deletes must have taken the last values before: an event of the cgroup that comes later starts a new group from zero.
    @discardableResult
    public func delete(_ keys: [[UInt8]], from map: String) throws(ProbeKernelError) -> Int {
        try withMap(map) { map throws(ProbeKernelError) in try map.delete(keys) }
    }

    /// Takes groups out of a map and gives their last values: no event is lost between the two. Before Linux 5.14 nothing is taken out.
    public func take(_ keys: [[UInt8]], from map: String) throws(ProbeKernelError) -> [RawGroup] {
        try withMap(map) { map throws(ProbeKernelError) in try map.take(keys) }
    }

    /// The map behind a name, for tests of the two ways to read it.
    func mapForTests(_ name: String) -> BPFMap? { maps[name] }

    /// How many groups a map has room for.
    public func capacity(of map: String) -> Int? { maps[map]?.entries }

    /// Hands over the records that wait in a ring, oldest first, at most `limit` of them; gives how many.
    @discardableResult
    public func drain(_ ring: String, limit: Int = 65536, _ body: (UnsafeRawBufferPointer) -> Void) throws(ProbeKernelError) -> Int {
        guard let reader = rings[ring] else { throw ProbeKernelError(.noSuchMap, "program \(program.name) has no ring \(ring)") }
        return try lock.withLock { _ throws(ProbeKernelError) in
            guard object != nil else { throw ProbeKernelError(.closed, "program \(program.name) was closed") }
            return reader.drain(limit: limit, body)
        }
    }

    /// Tells the programs whose events to leave out; what is beyond the map's size is filtered by the aggregator alone.
    public func ignore(_ cgroups: Set<UInt64>) throws(ProbeKernelError) {
        guard let list = maps["ignored_cgroups"], let control = maps["control"] else { return }
        try lock.withLock { _ throws(ProbeKernelError) in
            guard object != nil else { throw ProbeKernelError(.closed, "program \(program.name) was closed") }
            if cgroups == ignored { return }
            let old = ignored.subtracting(cgroups).map { cgroup in withUnsafeBytes(of: cgroup) { Array($0) } }
            _ = try list.delete(old)
            ignored.formIntersection(cgroups)
            for cgroup in cgroups.subtracting(ignored).prefix(list.entries - ignored.count) {
                try list.insert([1], at: withUnsafeBytes(of: cgroup) { Array($0) })
                ignored.insert(cgroup)
            }
            try write(to: control)
        }
    }

    private func write(to control: BPFMap) throws(ProbeKernelError) {
        let value = ControlValue(
            isFiltering: !ignored.isEmpty, recordsExec: recordsExec, roundTripSampling: roundTripSampling, portsBelow: portsBelow,
            tellsAddresses: tellsAddresses, sinceNanoseconds: resumedNanoseconds)
        try control.set(value.bytes, at: 0)
    }

    /// Looks at one of so many received segments, records program starts or not, tells server ports below a bound, and peers' addresses or not, from now on.
    public func change(roundTripSampling: Int, recordsExec: Bool, portsBelow: Int, tellsAddresses: Bool = false) throws(ProbeKernelError) {
        guard let control = maps["control"] else { return }
        try lock.withLock { _ throws(ProbeKernelError) in
            guard object != nil else { throw ProbeKernelError(.closed, "program \(program.name) was closed") }
            let old = (self.roundTripSampling, self.recordsExec, self.portsBelow, self.tellsAddresses)
            guard (roundTripSampling, recordsExec, portsBelow, tellsAddresses) != old else { return }
            (self.roundTripSampling, self.recordsExec, self.portsBelow, self.tellsAddresses) = (roundTripSampling, recordsExec, portsBelow, tellsAddresses)
            try write(to: control)
        }
    }

    /// Lets another object use a map of this one.
    /// - Returns: whether this program has such a map.
    func lend(_ map: String, to other: BPFObject) throws(BPFFailure) -> Bool {
        try lock.withLock { _ throws(BPFFailure) in
            guard let map = object?.map(map), !program.sharedMaps.contains(map.name) else { return false }
            try other.reuse(map.descriptor, as: map.name)
            return true
        }
    }

    private var attachable: [String] { program.hooks.filter { $0.tracepoint != nil && programs[$0.function] != nil }.map(\.function) }

    /// Walks over all tasks and gives every TCP socket that a process has open; the walk before is forgotten.
    public func openSockets() throws(ProbeKernelError) -> [OpenSocket] {
        guard let number = maps["walk_number"], let sockets = maps["open_sockets"], let program = programs["walk_tasks"] else { return [] }
        return try lock.withLock { _ throws(ProbeKernelError) in
            guard object != nil else { throw ProbeKernelError(.closed, "program \(self.program.name) was closed") }
            walk += 1
            try number.set(withUnsafeBytes(of: walk) { Array($0) }, at: 0)
            var options = bpf_test_run_opts()
            options.sz = MemoryLayout<bpf_test_run_opts>.size
            let result = bpf_prog_test_run_opts(program, &options)
            guard result == 0 else { throw .kernel(-result, doing: "walking over all tasks") }
            let found = try sockets.plain.groups().compactMap(OpenSocket.init)
            _ = try sockets.delete(found.filter { $0.walk != walk }.map { socket in withUnsafeBytes(of: socket.address) { Array($0) } })
            return found.filter { $0.walk == walk }
        }
    }

    /// Segments of the network namespace that the settings named, since the program was loaded.
    public func comparedSegments() throws(ProbeKernelError) -> UInt64 {
        let values = try withMap("compared_segments") { map throws(ProbeKernelError) in try map.perCPUValue(at: 0) }
        return sum(values, at: RetransmitValue.segmentsOffset)
    }

    /// Runs the program that looks at namespaces, as this thread.
    func namespaces() throws(ProbeKernelError) -> (host: UInt32, own: UInt32) {
        guard let program = programs["find_namespaces"] else { throw ProbeKernelError(.noSuchMap, "find_namespaces is not loaded") }
        return try withMap("namespaces") { map throws(ProbeKernelError) in
            var options = bpf_test_run_opts()
            options.sz = MemoryLayout<bpf_test_run_opts>.size
            let result = bpf_prog_test_run_opts(program, &options)
            guard result == 0 else { throw .kernel(-result, doing: "looking for the host's network namespace") }
            let value = try map.plain.perCPUValue(at: 0).first ?? []
            guard value.count == HostNamespacesLayout.byteCount else { throw ProbeKernelError(.invalidArgument, "map namespaces has another layout") }
            return value.withUnsafeBytes { bytes in
                (
                    bytes.loadUnaligned(fromByteOffset: HostNamespacesLayout.hostNetworkOffset, as: UInt32.self),
                    bytes.loadUnaligned(fromByteOffset: HostNamespacesLayout.ownNetworkOffset, as: UInt32.self)
                )
            }
        }
    }

    /// Takes every hook off its tracepoint: the node pays nothing until `resume`. Maps stay.
    public func pause() {
        lock.withLock { _ in
            guard !isPaused else { return }
            for function in attachable { object?.detach(function) }
            isPaused = true
        }
    }

    /// Attaches again what was attached; what began before is not measured.
    public func resume() throws(ProbeKernelError) {
        try lock.withLock { _ throws(ProbeKernelError) in
            guard isPaused, let object else { return }
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            resumedNanoseconds = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
            if let control = maps["control"] { try write(to: control) }
            for function in attachable {
                do throws(BPFFailure) {
                    _ = try object.attach(function)
                } catch {
                    throw .kernel(error.errno, doing: "attaching \(function) again")
                }
            }
            isPaused = false
        }
    }

    /// Changes at once which system calls are counted; calls under way are still counted when they end if they stay wanted.
    public func count(systemCalls numbers: Set<UInt32>) throws(ProbeKernelError) {
        let filter = try systemCallFilter(numbers, withRestarts: program.followsRestarts)
        try withMap("syscall_filter") { map throws(ProbeKernelError) in try map.set(filter, at: 0) }
    }

    /// Changes at once which ports carry DNS.
    public func watch(dnsPorts ports: Set<UInt16>) throws(ProbeKernelError) {
        try withMap("dns_ports") { map throws(ProbeKernelError) in try map.set(portSet(ports), at: 0) }
    }

    /// What each attached hook cost and lost since it was loaded, and behind the hooks the losses of the program's further accounts.
    public func statistics() throws(ProbeKernelError) -> [HookStatistics] {
        var statistics: [HookStatistics] = []
        for (index, hook) in program.hooks.enumerated() {
            guard let descriptor = programs[hook.function] else { continue }
            let costs = try withMap("costs") { map throws(ProbeKernelError) in try map.perCPUValue(at: UInt32(index)) }
            let losses = try withMap("losses") { map throws(ProbeKernelError) in try map.perCPUValue(at: UInt32(index)) }
            statistics.append(HookStatistics(function: hook.function, costs: costs, losses: losses, skippedRuns: skippedRuns(of: descriptor)))
        }
        for (index, account) in program.accounts.enumerated() {
            let losses = try withMap("losses") { map throws(ProbeKernelError) in try map.perCPUValue(at: UInt32(program.hooks.count + index)) }
            statistics.append(HookStatistics(function: account, costs: [], losses: losses, skippedRuns: 0, isHook: false))
        }
        return statistics
    }

    /// Detaches every hook and frees the maps; what is read afterwards throws `closed`.
    public func close() {
        lock.withLock { _ in object = nil }
    }

    /// Runs that the kernel left out because the same program was interrupted on the same CPU (`recursion_misses`, Linux 5.12).
    private func skippedRuns(of descriptor: Int32) -> UInt64 {
        lock.withLock { _ in
            guard object != nil else { return 0 }
            var information = bpf_prog_info()
            var size = UInt32(MemoryLayout<bpf_prog_info>.size)
            return bpf_obj_get_info_by_fd(descriptor, &information, &size) == 0 ? information.recursion_misses : 0
        }
    }

    private func withMap<Result: Sendable>(
        _ name: String, _ body: (BPFMap) throws(ProbeKernelError) -> Result
    ) throws(ProbeKernelError) -> Result {
        guard let map = maps[name] else { throw ProbeKernelError(.noSuchMap, "program \(program.name) has no map \(name)") }
        return try lock.withLock { _ throws(ProbeKernelError) in
            guard object != nil else { throw ProbeKernelError(.closed, "program \(program.name) was closed") }
            return try body(map)
        }
    }
}

/// What a hook cost the node and what it could not record, since it was loaded.
public struct HookStatistics: Sendable, Hashable {
    public var function: String
    public var runs: UInt64
    /// Runs that were timed, one of 64.
    public var sampledRuns: UInt64
    public var sampledNanoseconds: UInt64
    public var losses: [ProgramLosses.Reason: UInt64]
    /// Runs that the kernel left out.
    public var skippedRuns: UInt64
    /// Otherwise an account of further losses, which has a name but no runs.
    public var isHook: Bool

    /// The time of all runs, estimated from the timed ones.
    public var estimatedNanoseconds: UInt64 {
        guard sampledRuns > 0 else { return 0 }
        return UInt64(Double(sampledNanoseconds) / Double(sampledRuns) * Double(runs))
    }

    init(function: String, costs: [[UInt8]], losses: [[UInt8]], skippedRuns: UInt64, isHook: Bool = true) {
        self.function = function
        self.isHook = isHook
        self.skippedRuns = skippedRuns
        runs = sum(costs, at: ProgramCost.runsOffset)
        sampledRuns = sum(costs, at: ProgramCost.sampledRunsOffset)
        sampledNanoseconds = sum(costs, at: ProgramCost.sampledNanosecondsOffset)
        self.losses = ProgramLosses.Reason.allCases.reduce(into: [:]) { $0[$1] = sum(losses, at: $1.offset) }
    }
}

/// The sum over all CPUs of the counter at an offset.
private func sum(_ values: [[UInt8]], at offset: Int) -> UInt64 {
    values.reduce(0) { total, value in total &+ value.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) } }
}
