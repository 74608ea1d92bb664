// One try to open and load an object with some of its programs.
// Used by the loader, which tries again with fewer programs when the kernel refuses one.
// Never leaves anything behind: an object that does not load is closed with everything that it opened.
import CBPF
import ProbePrograms

/// A value for a `const volatile` variable, as wide as the C type.
enum Constant {
    case flag(Bool)
    case word(UInt32)
    case number(UInt64)
}

/// Everything that does not change between two tries.
struct Attempt {
    let program: ProbeProgram
    let bytes: [UInt8]
    let settings: ProbeSettings
    let constants: [(name: String, value: Constant)]
    let host: HostKernel
    let others: [LoadedProbe]
    /// Whether the program goes without the map that it can do without.
    var leavesOut = false

    enum Outcome {
        case success(BPFObject)
        case failure(HookFailure)
    }

    func load(_ functions: [String]) -> Outcome {
        KernelLog.begin()
        do throws(BPFFailure) {
            let object = try BPFObject(bytes: bytes, name: program.name)
            try configure(object)
            object.load(only: Set(functions))
            try object.load()
            _ = KernelLog.end()
            return .success(object)
        } catch {
            return .failure(hookFailure(.load, errno: error.errno, log: KernelLog.end(), host: host))
        }
    }

    private func configure(_ object: BPFObject) throws(BPFFailure) {
        for (name, value) in constants {
            switch value {
            case .flag(let flag): try object.setConstant(name, to: UInt8(flag ? 1 : 0))
            case .word(let word): try object.setConstant(name, to: word)
            case .number(let number): try object.setConstant(name, to: number)
            }
        }
        if leavesOut, let optional = program.optional {
            try object.setConstant(optional.constant, to: UInt8(0))
            try object.leaveOut(optional.name)
        }
        for map in program.sharedMaps {
            for other in others where try other.lend(map, to: object) { break }
        }
        let cpuCount = Int(max(1, libbpf_num_possible_cpus()))
        for (map, entries) in mapEntries(of: program, memoryBytes: settings.mapMemoryBytes, cpuCount: cpuCount) {
            try object.setEntries(entries, of: map)
        }
        for (ring, bytes) in ringBytes(of: program, memoryBytes: settings.mapMemoryBytes) { try object.setEntries(bytes, of: ring) }
    }

    /// Checks the sizes of every map against the layouts that Swift decodes with, and writes what the programs filter by; nil when all is well.
    func prepareMaps(of object: BPFObject) -> HookFailure? {
        let expected =
            program.groupMaps.map { ($0.name, $0.keyBytes, $0.valueBytes) } + [("costs", 4, ProgramCost.byteCount), ("losses", 4, ProgramLosses.byteCount)]
        for (name, keyBytes, valueBytes) in expected {
            guard let map = object.map(name), map.keyBytes == keyBytes, map.valueBytes == valueBytes else {
                return HookFailure(
                    stage: .load, errorName: nil, reason: "map \(name) does not have the layout of this build; program and binary do not belong together")
            }
        }
        if let failure = prepareControl(of: object) { return failure }
        do throws(ProbeKernelError) {
            try object.map("syscall_filter")?.set(systemCallFilter(settings.systemCalls, withRestarts: program.followsRestarts), at: 0)
            try object.map("dns_ports")?.set(portSet(settings.dnsPorts), at: 0)
            return nil
        } catch {
            return HookFailure(stage: .load, errorName: nil, reason: error.message)
        }
    }
}

extension Attempt {
    /// The settings that can change later are there before the first event.
    fileprivate func prepareControl(of object: BPFObject) -> HookFailure? {
        guard let control = object.map("control") else { return nil }
        do throws(ProbeKernelError) {
            try control.set(
                ControlValue(
                    recordsExec: settings.recordsExec, roundTripSampling: settings.roundTripSampling, portsBelow: settings.portsBelow,
                    tellsAddresses: settings.tellsAddresses
                ).bytes, at: 0)
            return nil
        } catch {
            return HookFailure(stage: .load, errorName: nil, reason: error.message)
        }
    }
}

/// What the map `control` holds.
struct ControlValue {
    var isFiltering = false
    var recordsExec: Bool
    var roundTripSampling: Int
    var portsBelow: Int
    var tellsAddresses: Bool
    var sinceNanoseconds: UInt64 = 0

    /// Below it are the 32-bit numbers of segments that are looked at: one of so many; 0 looks at none.
    private var roundTripBound: UInt64 { roundTripSampling > 0 ? (1 << 32) / UInt64(roundTripSampling) : 0 }

    var bytes: [UInt8] {
        [
            UInt64(isFiltering ? 1 : 0), UInt64(recordsExec ? 1 : 0), roundTripBound, UInt64(max(portsBelow, 0)), UInt64(tellsAddresses ? 1 : 0),
            sinceNanoseconds,
        ].flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
    }
}

/// The filter's bytes: a bit for each wanted call.
/// - Parameter withRestarts: with any, also one for `restart_syscall`, under which the kernel goes on with an interrupted call.
func systemCallFilter(_ numbers: Set<UInt32>, withRestarts: Bool) throws(ProbeKernelError) -> [UInt8] {
    var words = [UInt64](repeating: 0, count: SyscallFilter.syscallCount / 64)
    let restart = withRestarts ? SystemCalls.number(of: "restart_syscall").map { [$0] } ?? [] : []
    for number in numbers.isEmpty ? [] : numbers.union(restart) {
        guard number < SyscallFilter.syscallCount else {
            throw ProbeKernelError(.invalidArgument, "system call number \(number) is not below \(SyscallFilter.syscallCount)")
        }
        words[Int(number / 64)] |= 1 << UInt64(number % 64)
    }
    return words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
}

/// The ports' bytes: a bit for each.
func portSet(_ ports: Set<UInt16>) -> [UInt8] {
    var words = [UInt64](repeating: 0, count: DNSPorts.byteCount / 8)
    for port in ports { words[Int(port / 64)] |= 1 << UInt64(port % 64) }
    return words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
}
